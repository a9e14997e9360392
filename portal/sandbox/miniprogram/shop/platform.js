/** `my.*` as promises, with what differs between devices evened out. */

const SITES = { alipayhk: 'ALIPAY_HK', gcash: 'GCASH', tngd: 'TNG', dana: 'DANA', kakaopay: 'KAKAOPAY' };

/** What `fail` said: containers write the code as text or number, and the sentence as errMessage or errorMessage. */
export class PlatformError extends Error {
  constructor(said) {
    super(String(said?.errMessage ?? said?.errorMessage ?? 'The app gave no reason.'));
    this.code = String(said?.error ?? '');
  }
}

function promised(call, options = {}) {
  return new Promise((resolve, reject) => {
    call({ ...options, success: resolve, fail: (said) => reject(new PlatformError(said)) });
  });
}

/** Which wallet this runs in, by its own word; an older app is recognised by its name. */
export async function siteName() {
  if (my.canIUse('getSiteInfo')) {
    const site = await promised(my.getSiteInfo);
    return site.siteName;
  }
  return SITES[my.getSystemInfoSync().app] ?? '';
}

/** A login code; silent, asks the user nothing. */
export async function loginCode() {
  const { authCode } = await promised(my.getAuthCode, { scopes: ['auth_base'] });
  return authCode;
}

/** Whether this app can bind a wallet at all. */
export function canSign() {
  return typeof my.signContract === 'function' && my.canIUse('signContract');
}

/** Let the user agree on the wallet's page; its answer counts once, whatever comes later. */
export function signContract(signStr) {
  return promised(my.signContract, { signStr });
}

/** IOS or ANDROID, as our server wants it. */
export function osType() {
  return /ios/i.test(my.getSystemInfoSync().platform) ? 'IOS' : 'ANDROID';
}

/** Ask; true when the buyer says yes. */
export async function confirmed(options) {
  const { confirm } = await promised(my.confirm, options);
  return confirm;
}

/** Wait a while. */
export function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** A fresh key for one press of a button; no secret, so any randomness does. */
export function freshKey() {
  const letters = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${letters()}${letters()}`;
}
