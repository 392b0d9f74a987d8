import type { Metadata } from 'next';

export const metadata: Metadata = { title: 'Not found' };

const NotFoundPage = () => (
  <main className="page-message">
    <h1>There is no such page</h1>
    <p className="page-actions">
      <a href="/" className="button button-primary">
        To the tasks
      </a>
    </p>
  </main>
);

export default NotFoundPage;
