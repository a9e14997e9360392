/** The inside of a mini program: its bar, its dialogs, and its `my` object, made of both. */

import { start } from './runtime.js';

const TOAST_MILLISECONDS = 3000;
const $ = (id) => document.getElementById(id);
const phone = window.parent === window ? null : window.parent.phone;

/** Dialogs and short messages, drawn by the container over the page. */
function createInterface(watch) {
  let fading = 0;
  const dialog = $('dialog');

  function showToast({ content, duration = TOAST_MILLISECONDS, success, complete } = {}) {
    watch.note('my', `my.showToast “${content}”`);
    clearTimeout(fading);
    $('toast').textContent = content;
    $('toast').hidden = false;
    fading = setTimeout(() => {
      $('toast').hidden = true;
    }, duration);
    success?.();
    complete?.();
  }

  function ask({ title, content, yes, no }) {
    $('dialog-title').textContent = title;
    $('dialog-text').textContent = content;
    $('dialog-yes').textContent = yes;
    $('dialog-no').textContent = no ?? '';
    $('dialog-no').hidden = no === undefined;
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    });
  }
  $('dialog-yes').addEventListener('click', () => dialog.close('yes'));
  $('dialog-no').addEventListener('click', () => dialog.close('no'));

  function confirm({ title, content, confirmButtonText = 'OK', cancelButtonText = 'Cancel', success, complete }) {
    const end = watch.begin('my', `my.confirm “${title}”`);
    ask({ title, content, yes: confirmButtonText, no: cancelButtonText }).then((isConfirmed) => {
      end('plain', isConfirmed ? confirmButtonText : cancelButtonText);
      success?.({ confirm: isConfirmed });
      complete?.();
    });
  }

  function alert({ title, content, buttonText = 'OK', success, complete }) {
    watch.note('my', `my.alert “${title}”`);
    ask({ title, content, yes: buttonText }).then(() => {
      success?.();
      complete?.();
    });
  }

  return { showToast, confirm, alert };
}

/** The bar above and the tabs below. */
function createBar() {
  let openTab = () => {};
  return {
    onTab(act) {
      openTab = act;
    },
    focus: () => $('title').focus({ preventScroll: true }),
    title(text) {
      $('title').textContent = text;
      document.title = text;
    },
    draw({ title, hasBack, tab, tabs }) {
      this.title(title);
      $('back').hidden = !hasBack;
      $('tabs').hidden = tab === null;
      $('tabs').replaceChildren(
        ...tabs.map((item) => {
          const button = document.createElement('button');
          button.type = 'button';
          button.textContent = item.name;
          if (item.pagePath === tab) button.setAttribute('aria-current', 'page');
          button.addEventListener('click', () => openTab(item.pagePath));
          return button;
        }),
      );
      $('tabs').querySelector('[aria-current]')?.classList.add('current');
    },
  };
}

function logged(watch, navigation) {
  return Object.fromEntries(
    Object.entries(navigation).map(([name, act]) => [
      name,
      (options = {}) => {
        watch.note('my', `my.${name} ${String(options.url ?? '')}`.trim());
        // A message about the page that is left says nothing on the one that comes; going back, it may.
        if (name === 'navigateTo' || name === 'redirectTo') $('toast').hidden = true;
        act(options);
        options.success?.();
        options.complete?.();
      },
    ]),
  );
}

async function run() {
  const bar = createBar();
  const my = { ...phone.createMy(window), ...createInterface(phone.watch) };
  globalThis.my = my;
  my.setNavigationBar = ({ title }) => bar.title(title);
  const query = Object.fromEntries(new URLSearchParams(window.location.search));
  const program = await start({ screen: $('pages'), bar, query });
  Object.assign(my, logged(phone.watch, program.navigation));
  bar.onTab((route) => {
    my.switchTab({ url: route });
    $('tabs').querySelector('.current')?.focus();
  });
  $('back').addEventListener('click', () => my.navigateBack());
  $('close').addEventListener('click', () => phone.close());
  $('more').addEventListener('click', () => phone.showWatch());
  window.program = { hide: program.hide, show: program.show };
  program.launch();
}

if (phone) run();
else window.location.replace('/miniprogram/');
