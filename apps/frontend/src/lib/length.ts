/** Characters as the server counts them: an emoji is one, though JavaScript's length has it as two. */
export const lengthOf = (text: string): number => Array.from(text).length;

/** The most characters of a task's title. */
export const maxTitle = 200;
