/** The page's address names the open conversation, so a reload opens it again. */
const parameter = 'conversation';

export const conversationInAddress = (): number | null => Number(new URL(location.href).searchParams.get(parameter)) || null;

export const setConversationInAddress = (id: number | null): void => {
  const url = new URL(location.href);
  if (id === null) url.searchParams.delete(parameter);
  else url.searchParams.set(parameter, String(id));
  if (url.href !== location.href) history.replaceState(history.state, '', url);
};

/** Stands for this site while an address is read; nothing is ever asked of it. */
const site = 'http://site.invalid';

/** Where to go after sign-in: a path of this site, whatever the address says, also where it says it twice. */
export const safeNext = (next: string | string[] | null | undefined): string => {
  const wanted = (Array.isArray(next) ? next[0] : next) ?? '/';
  // Read as the browser will read it, which drops tabs and line breaks and takes `\` for `/`.
  if (!URL.canParse(wanted, site)) return '/';
  const { origin, pathname, search } = new URL(wanted, site);
  // "/.//evil.example" is a path here, but would be another host once it is read again.
  return origin === site && !pathname.startsWith('//') ? pathname + search : '/';
};

/** The address of sign-in that leads back to `next`. */
export const signInAddress = ({ next, expired }: { next: string; expired: boolean }): string => {
  const search = new URLSearchParams({ ...(expired ? { expired: '1' } : {}), ...(next === '/' ? {} : { next }) }).toString();
  return search === '' ? '/sign-in' : `/sign-in?${search}`;
};

/** The session is over: sign-in, and back to this very page. Drafts are kept in the browser. */
export const toSignIn = (): void =>
  location.assign(signInAddress({ next: location.pathname + location.search, expired: true }));
