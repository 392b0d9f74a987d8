/** Unsent text survives reloads and sign-in. One user's drafts are not shown to the next. */
const key = (userId: string, name: string): string => `draft:${userId}:${name}`;

export const readDraft = (userId: string, name: string): string => {
  try {
    return localStorage.getItem(key(userId, name)) ?? '';
  } catch {
    return ''; // storage is off; a draft is a convenience
  }
};

export const writeDraft = (userId: string, name: string, value: string): void => {
  try {
    if (value === '') localStorage.removeItem(key(userId, name));
    else localStorage.setItem(key(userId, name), value);
  } catch {
    // as above
  }
};
