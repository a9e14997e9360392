/**
 * The wallet's own pages, over the mini program: agreeing to automatic payments, and the account.
 *
 * They are the sandbox's real pages in a frame. The way back to the shop is a link with authCode and authState; as a
 * wallet does, the container takes it instead of following it.
 */

const AUTHORIZE = /^\/wallet\/[A-Z_]+\/authorize$/;
const DONE = /\/done$/;

export const AGREED = 'agreed';
export const REFUSED = 'refused';
export const UNKNOWN = 'unknown';
export const NOT_A_LINK = 'not a link';

/** The layer in the phone that holds the wallet's pages. */
export function createWalletView({ layer, frame, title, close }) {
  let finish = null;

  function open(name, path) {
    title.textContent = name;
    frame.title = name;
    layer.hidden = false;
    frame.src = path;
    close.focus();
    return new Promise((resolve) => {
      finish = (outcome) => {
        finish = null;
        layer.hidden = true;
        frame.removeAttribute('src');
        resolve(outcome);
      };
    });
  }

  function wayBack() {
    const links = [...(frame.contentDocument?.querySelectorAll('a[href]') ?? [])];
    const found = links.map((link) => new URL(link.href)).find((url) => url.searchParams.has('authState'));
    if (!found) return null;
    const authState = found.searchParams.get('authState');
    const authCode = found.searchParams.get('authCode');
    return authCode ? { kind: AGREED, authCode, authState } : { kind: REFUSED };
  }

  frame.addEventListener('load', () => {
    const inside = frame.contentDocument;
    inside?.addEventListener('click', (event) => {
      const link = event.target.closest('a[href]');
      if (!finish || !link || !new URL(link.href).searchParams.has('authState')) return;
      event.preventDefault();
      finish(wayBack());
    });
    inside?.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') closed();
    });
  });

  function closed() {
    if (!finish) return;
    const path = frame.contentWindow?.location.pathname ?? '';
    const back = wayBack();
    // Closed before deciding: cancelled. Closed on the result page: nobody told the mini program what was decided.
    finish(DONE.test(path) && back?.kind !== REFUSED ? { kind: UNKNOWN } : { kind: REFUSED });
  }

  close.addEventListener('click', closed);
  layer.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closed();
  });

  return {
    /** Let the user decide at an authorization URL. */
    decide(name, signStr, user) {
      const url = URL.canParse(signStr) ? new URL(signStr) : null;
      if (!url || !AUTHORIZE.test(url.pathname)) return Promise.resolve({ kind: NOT_A_LINK });
      // By path: the sandbox may know itself by another name (127.0.0.1) than the browser does (localhost).
      url.searchParams.set('user', user);
      return open(name, url.pathname + url.search);
    },
    /** Let the user look at their account; resolves when it is closed. */
    visit(name, site, user) {
      return open(name, `/wallet/${encodeURIComponent(site)}/users/${encodeURIComponent(user)}`);
    },
  };
}
