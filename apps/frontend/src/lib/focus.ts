/**
 * Gives the focus to the first of these that is on the page, for when the focused element goes.
 * The page scrolls only as far as it must to show it.
 */
export const focusFirst = (...places: (string | Element | null | undefined)[]): void => {
  for (const place of places) {
    const found = typeof place === 'string' ? document.querySelector(place) : place;
    if (!(found instanceof HTMLElement) || !found.isConnected || found === document.body) continue;
    found.focus({ preventScroll: true });
    found.scrollIntoView({ block: 'nearest' });
    return;
  }
};

/** Leads to the first field that was refused; what is wrong with it must be on the page, to be read out with it. */
export const focusInvalid = (form: Element): void => focusFirst(form.querySelector('[aria-invalid="true"]'));
