/** The merchant's mini program: an ordinary one, that knows `my` and its server, and nothing of the phone. */

import { unfinished } from './binding.js';
import { signIn } from './session.js';

App({
  onLaunch() {
    // The buyer is signed in silently; a page that needs the session and finds none says so itself.
    signIn().then(
      () => unfinished().then((text) => text && my.showToast({ content: text })),
      () => {},
    );
  },
});
