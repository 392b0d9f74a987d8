/** The page's address names the open conversation, so a reload opens it again. */
const parameter = 'conversation';

export const conversationInAddress = (): number | null => Number(new URL(location.href).searchParams.get(parameter)) || null;

export const setConversationInAddress = (id: number | null): void => {
  const url = new URL(location.href);
  if (id === null) url.searchParams.delete(parameter);
  else url.searchParams.set(parameter, String(id));
  if (url.href !== location.href) history.replaceState(history.state, '', url);
};

/** Where to go after sign-in: a path of this site, whatever the address says. */
export const safeNext = (next: string | null | undefined): string => {
  if (!next?.startsWith('/') || next.startsWith('/\\') || next.startsWith('//')) return '/';
  return next;
};
