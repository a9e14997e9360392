import { toast } from './adapter/platform.js';
import { unfinished } from './lib/binding.js';
import { signIn } from './lib/session.js';

App({
  /** The buyer is signed in silently; a page that needs the session and finds none says so itself. */
  onLaunch() {
    signIn()
      .then(unfinished)
      .then((sentence) => sentence && toast(sentence))
      .catch(() => undefined);
  },
});
