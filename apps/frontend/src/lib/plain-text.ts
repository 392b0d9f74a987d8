/** Markdown as it is read out: the words without the marks. */
export const toPlainText = (markdown: string): string =>
  markdown
    .replace(/^ {0,3}(?:```|~~~).*$/gm, '') // fences
    .replace(/^[ \t|:]*-[ \t|:-]*$/gm, '') // rules of tables, and rules
    .replace(/^ {0,3}(?:#{1,6}|>)\s+/gm, '')
    .replace(/^([ \t]*)[-*+•][ \t]+/gm, '$1')
    .replace(/^([ \t]*)\[([ xX])\] /gm, (_, indent: string, mark: string) => `${indent}${mark === ' ' ? 'to do' : 'done'}: `)
    .replace(/\[([^\]]+)\]\([^\s)]*\)/g, '$1')
    .replace(/\*\*|__|~~|`+/g, '')
    .replace(/(?<![\w\\])([*_])(?=\S)([^*_\n]+)\1(?!\w)/g, '$2')
    .replace(/\\(?=[\\`*_~[\]()#>+.!|-])/g, '')
    .replace(/[ \t]*\|[ \t]*/g, ' ')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
