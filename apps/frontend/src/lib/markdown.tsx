import { Fragment, type ReactNode } from 'react';

/**
 * The Markdown that assistants write: paragraphs, headings, lists, quotes, rules, fenced code,
 * tables; strong, emphasis, struck, code, links. Everything becomes React elements, so HTML in the
 * text stays text, and a link keeps only http, https and mailto.
 */

const inlinePattern =
  /(`+)([\s\S]+?)\1|\*\*([\s\S]+?)\*\*|__([\s\S]+?)__|~~([\s\S]+?)~~|\*(?=\S)([^*]+?)\*|(?<![\w])_(?=\S)([^_]+?)_(?![\w])|\[([^\]]+)\]\(((?:[^\s()]|\([^\s()]*\))+)\)|(https?:\/\/[^\s<>()]*[^\s<>().,:;!?])|\\([\\`*_~[\]()#>+.!|-])/g;

const safeHref = (href: string): string | null => (/^(https?:|mailto:)/i.test(href) ? href : null);

const link = (href: string, children: ReactNode, key: number): ReactNode => {
  const safe = safeHref(href);
  if (safe === null) return children;
  return (
    <a key={key} href={safe} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
};

const renderInline = (source: string): ReactNode[] => {
  const nodes: ReactNode[] = [];
  let end = 0;
  for (const match of source.matchAll(inlinePattern)) {
    const [whole, , code, strong, strong2, struck, emphasis, emphasis2, label, href, bare, escaped] = match;
    if (match.index > end) nodes.push(source.slice(end, match.index));
    const key = match.index;
    if (code !== undefined) nodes.push(<code key={key}>{code.trim()}</code>);
    else if (strong !== undefined || strong2 !== undefined)
      nodes.push(<strong key={key}>{renderInline(strong ?? strong2 ?? '')}</strong>);
    else if (struck !== undefined) nodes.push(<s key={key}>{renderInline(struck)}</s>);
    else if (emphasis !== undefined || emphasis2 !== undefined)
      nodes.push(<em key={key}>{renderInline(emphasis ?? emphasis2 ?? '')}</em>);
    else if (label !== undefined && href !== undefined) nodes.push(link(href, label, key));
    else if (bare !== undefined) nodes.push(link(bare, bare, key));
    else nodes.push(escaped ?? whole);
    end = match.index + whole.length;
  }
  if (end < source.length) nodes.push(source.slice(end));
  return nodes;
};

/** Paragraph text: single line breaks are kept, as chats expect. */
const renderLines = (lines: string[]): ReactNode[] =>
  lines.map((line, index) => (
    <Fragment key={index}>
      {index > 0 && <br />}
      {renderInline(line)}
    </Fragment>
  ));

const fence = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const rule = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const bullet = /^(\s*)[-*+•]\s+(.*)$/;
const numbered = /^(\s*)(\d{1,9})[.)]\s+(.*)$/;
const quote = /^ {0,3}>\s?(.*)$/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());

const startsBlock = (line: string): boolean =>
  line.trim() === '' || [fence, heading, rule, bullet, numbered, quote].some((pattern) => pattern.test(line));

const renderBlocks = (lines: string[], depth = 0): ReactNode[] => {
  const nodes: ReactNode[] = [];
  let at = 0;
  while (at < lines.length) {
    const key = at;
    const line = lines[at] ?? '';
    const fenced = fence.exec(line);
    const headed = heading.exec(line);
    if (line.trim() === '') {
      at += 1;
    } else if (fenced !== null) {
      const mark = fenced[1] ?? '```';
      // An unclosed block is one that still streams.
      let close = lines.findIndex((other, index) => index > at && other.trim().startsWith(mark));
      if (close === -1) close = lines.length;
      nodes.push(
        // Long lines scroll, so the block must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre key={key} tabIndex={0}>
          <code>{lines.slice(at + 1, close).join('\n')}</code>
        </pre>,
      );
      at = close + 1;
    } else if (headed !== null) {
      // The page's own headings end at level 3.
      nodes.push(<h4 key={key}>{renderInline(headed[2] ?? '')}</h4>);
      at += 1;
    } else if (rule.test(line)) {
      nodes.push(<hr key={key} />);
      at += 1;
    } else if (quote.test(line) && depth < 4) {
      const inner: string[] = [];
      for (let found = quote.exec(lines[at] ?? ''); found !== null; found = quote.exec(lines[at] ?? '')) {
        inner.push(found[1] ?? '');
        at += 1;
      }
      nodes.push(<blockquote key={key}>{renderBlocks(inner, depth + 1)}</blockquote>);
    } else if ((bullet.test(line) || numbered.test(line)) && depth < 4) {
      const isNumbered = numbered.test(line);
      const pattern = isNumbered ? numbered : bullet;
      const start = Number(numbered.exec(line)?.[2] ?? 1);
      const items: string[][] = [];
      const indent = /^\s*/.exec(line)?.[0].length ?? 0;
      for (; at < lines.length; at += 1) {
        const current = lines[at] ?? '';
        const found = pattern.exec(current);
        const depthHere = /^\s*/.exec(current)?.[0].length ?? 0;
        if (found !== null && depthHere <= indent + 1) items.push([found.at(-1) ?? '']);
        else if (current.trim() === '') {
          // A blank line ends the list unless the next line goes on with it.
          const next = lines[at + 1] ?? '';
          if (!pattern.test(next) && !/^\s{2,}\S/.test(next)) break;
          items.at(-1)?.push('');
        } else if (depthHere > indent) items.at(-1)?.push(current.slice(Math.min(depthHere, indent + 2)));
        // CommonMark would draw this line into the last item, which whoever wrote the reply did not mean.
        else break;
      }
      const children = items.map((item, index) => renderItem(item, depth + 1, index));
      nodes.push(
        isNumbered ? (
          <ol key={key} start={start}>
            {children}
          </ol>
        ) : (
          <ul key={key}>{children}</ul>
        ),
      );
    } else if (line.includes('|') && tableRule.test(lines[at + 1] ?? '')) {
      const head = cells(line);
      const rows: string[][] = [];
      for (at += 2; (lines[at] ?? '').includes('|'); at += 1) rows.push(cells(lines[at] ?? ''));
      nodes.push(
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div key={key} className="table-scroll" tabIndex={0} role="group" aria-label="Table">
          <table>
            <thead>
              <tr>
                {head.map((cell, index) => (
                  <th key={index}>{renderInline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  {head.map((_, column) => (
                    <td key={column}>{renderInline(row[column] ?? '')}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>,
      );
    } else {
      const paragraph = [line];
      for (at += 1; at < lines.length && !startsBlock(lines[at] ?? ''); at += 1) paragraph.push(lines[at] ?? '');
      nodes.push(<p key={key}>{renderLines(paragraph)}</p>);
    }
  }
  return nodes;
};

/** "[ ] Buy milk" and "[x] Buy milk" get a box in place of the bullet. */
const renderItem = (lines: string[], depth: number, key: number): ReactNode => {
  const [, mark, rest] = /^\[([ xX])\] (.*)$/.exec(lines[0] ?? '') ?? [];
  if (mark === undefined || rest === undefined) return <li key={key}>{renderTight(lines, depth)}</li>;
  const isDone = mark !== ' ';
  return (
    <li key={key} className="checked-item">
      <span className="check-mark" role="img" aria-label={isDone ? 'done' : 'to do'} data-done={isDone || undefined} />
      {renderTight([rest, ...lines.slice(1)], depth)}
    </li>
  );
};

/** A list item of one paragraph needs no <p> around it. */
const renderTight = (lines: string[], depth: number): ReactNode[] => {
  const [first = '', ...rest] = lines;
  if (rest.length === 0) return renderInline(first);
  if (startsBlock(first)) return renderBlocks(lines, depth);
  return [<span key="first">{renderInline(first)}</span>, ...renderBlocks(rest, depth)];
};

export const Markdown = ({ source }: { source: string }) => (
  <div className="markdown" dir="auto">
    {renderBlocks(source.replace(/\r\n?/g, '\n').split('\n'))}
  </div>
);
