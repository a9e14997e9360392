/** Who the buyer is. The token lives in this module's memory and nowhere else: no storage, no page data. */

import { ACCOUNT } from './environment.js';
import { loginCode, siteName } from './platform.js';
import { Refused, send, Unreachable } from './wire.js';

let opening = null;

/** The open session `{token, siteName}`; signs in where there is none. Throws Refused, Unreachable. */
export function signIn() {
  opening ??= open().catch((reason) => {
    opening = null;
    throw reason;
  });
  return opening;
}

/** The token was refused: the next request signs in anew, unless another one did already. */
export async function forget(session) {
  if (opening && (await opening) === session) opening = null;
}

async function open() {
  const site = await siteName().catch(unreachable);
  const code = await loginCode().catch(unreachable);
  const wish = { login_code: code, site_name: site };
  const { status, data } = await send('POST', '/sessions', { body: ACCOUNT ? { ...wish, account: ACCOUNT } : wish });
  if (status >= 400) throw new Refused(status, data);
  return { token: data.token, siteName: site };
}

function unreachable() {
  throw new Unreachable();
}
