/** Who the buyer is. The token lives in this module's memory and nowhere else: no storage, no page data, no log. */

import { ACCOUNT } from '../environment.js';
import { loginCode, siteName } from '../adapter/platform.js';
import { askAs, Refused, Unreachable } from '../api/asking.js';
import { openSession } from '../api/client.js';

/** @typedef {{ token: string, siteName: string }} Session */

/** @type {Promise<Session> | null} */
let opening = null;

/** The open session; signs in where there is none, once for all who ask meanwhile. Rejects: Refused, Unreachable. */
export function signIn() {
  if (!opening) {
    opening = open().catch((reason) => {
      opening = null;
      throw reason;
    });
  }
  return opening;
}

askAs({
  current: signIn,
  /** The next one who asks signs in anew, unless another one did already. */
  async forget(session) {
    if (opening && (await opening) === session) opening = null;
  },
});

/** @returns {Promise<Session>} */
async function open() {
  const site = await siteName();
  if (!site) throw new Refused(0, { code: 'site_not_supported', detail: '', type: '', title: '', status: 0 });
  const code = await loginCode().catch((reason) => {
    throw new Unreachable(String(reason));
  });
  const wish = { login_code: code, site_name: site };
  const { token } = await openSession(ACCOUNT ? Object.assign(wish, { account: ACCOUNT }) : wish);
  return { token, siteName: site };
}
