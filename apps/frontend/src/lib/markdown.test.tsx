import { cleanup, render } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { Markdown } from './markdown';

afterEach(cleanup);

const html = (source: string): string => render(<Markdown source={source} />).container.firstElementChild?.innerHTML ?? '';

test.each([
  ['one\ntwo', '<p>one<br>two</p>'],
  ['**a** *b* ~~c~~ `d*e*`', '<p><strong>a</strong> <em>b</em> <s>c</s> <code>d*e*</code></p>'],
  ['snake_case_name 2*3*4', '<p>snake_case_name 2<em>3</em>4</p>'],
  ['# Title', '<h4>Title</h4>'],
  ['- a\n- b\n  - c', '<ul><li>a</li><li><span>b</span><ul><li>c</li></ul></li></ul>'],
  ['- a\nb', '<ul><li>a</li></ul><p>b</p>'],
  ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
  ['> q\n> r', '<blockquote><p>q<br>r</p></blockquote>'],
  ['---', '<hr>'],
  ['\\*not\\*', '<p>*not*</p>'],
  // As the backend's own engine writes titles.
  ['\\*2\\*3\\* \\_\\_init\\_\\_.py \\[a](b) \\`c\\` \\~\\~d \\\\e', '<p>*2*3* __init__.py [a](b) `c` ~~d \\e</p>'],
])('%s', (source, expected) => {
  expect(html(source)).toBe(expected);
});

test('a box stands for the bullet of a task', () => {
  const { container } = render(<Markdown source={'- [ ] #1 Buy milk\n- [x] Call mom'} />);
  expect([...container.querySelectorAll('li')].map((item) => item.textContent)).toEqual(['#1 Buy milk', 'Call mom']);
  expect([...container.querySelectorAll('[role=img]')].map((mark) => mark.getAttribute('aria-label'))).toEqual(['to do', 'done']);
});

test('a code block keeps its text, also while its end has not come', () => {
  expect(html('```js\n<b>*x*</b>\n```')).toContain('&lt;b&gt;*x*&lt;/b&gt;');
  expect(html('```\nopen')).toContain('<code>open</code>');
});

test('a table has a head and as many cells as it', () => {
  const { container } = render(<Markdown source={'| a | b |\n| - | - |\n| 1 |\n| 2 | 3 | 4 |'} />);
  expect([...container.querySelectorAll('th, td')].map((cell) => cell.textContent)).toEqual(['a', 'b', '1', '', '2', '3']);
});

describe('untrusted text', () => {
  test('HTML stays text', () => {
    const { container } = render(<Markdown source={'<img src=x onerror=alert(1)> <script>alert(1)</script>'} />);
    expect(container.querySelector('img, script')).toBeNull();
    expect(container.textContent).toContain('<script>');
  });

  test.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', '//evil.example', 'vbscript:x'])(
    'no link goes to %s',
    (href) => {
      const { container } = render(<Markdown source={`[click](${href})`} />);
      expect(container.querySelector('a')).toBeNull();
      expect(container.textContent).toBe('click');
    },
  );

  test('links to the web open apart and give nothing away', () => {
    const { container } = render(<Markdown source={'[x](https://example.org/a) and https://example.org/b.'} />);
    const links = [...container.querySelectorAll('a')];
    expect(links.map((link) => link.getAttribute('href'))).toEqual(['https://example.org/a', 'https://example.org/b']);
    expect(links.every((link) => link.rel === 'noreferrer noopener')).toBe(true);
  });

  test('every beginning of a reply can be drawn, for a stream stops anywhere', () => {
    const source = '# A\n\n**b** `c` [d](https://e.org)\n\n1. x\n   - y\n\n> z\n\n```\ncode\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n';
    for (let end = 0; end <= source.length; end += 1) expect(() => html(source.slice(0, end))).not.toThrow();
  });

  test('long hostile text is drawn in time', () => {
    const started = performance.now();
    for (const piece of ['*', '[', '`', '> ', '- ', '|', '_a', '**a']) html(piece.repeat(2000));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
