'use client';

import { Component, type ReactNode } from 'react';

type Props = { id: string; what: string; className: string; children: ReactNode };

/** Keeps an error of one pane in that pane, so that the reader goes on with the other. */
export class PaneBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    const { id, what, className, children } = this.props;
    if (!this.state.hasFailed) return children;
    return (
      <section id={id} className={`pane ${className}`} aria-label={what}>
        <div className="pane-failed" role="alert">
          <p className="empty-title">{what} cannot be shown.</p>
          <p>Everything is kept by the server.</p>
          <p className="page-actions">
            <button type="button" className="button button-primary" onClick={() => this.setState({ hasFailed: false })}>
              Try again
            </button>
            {/* Without the conversation in the address, which may be what cannot be shown. */}
            <a href="/" className="button">
              Start afresh
            </a>
          </p>
        </div>
      </section>
    );
  }
}
