/** The phone: whose it is, its home screen, the mini program in it, and what happened beside it. */

import { createContainer } from './container.js';
import { createWalletView } from './walletview.js';
import { createWatch } from './watching.js';

const CLOCK_MILLISECONDS = 10000;
const $ = (id) => document.getElementById(id);
const layers = ['choose', 'home', 'program'];
const watch = createWatch($('watch'), $('watch-empty'), $('watch-more'));
let account = null;
let facts = null;
let isRunning = false;

/** Wishes of whoever tests; those taken are fulfilled once. */
const troubles = {
  get spelling() {
    return $('spelling').value;
  },
  get httpErrors() {
    return $('http-errors').value;
  },
  get site() {
    return $('site').value;
  },
  take(name) {
    const wish = $(name).value;
    $(name).value = '';
    return wish;
  },
};

const walletView = createWalletView({
  layer: $('wallet'),
  frame: $('wallet-frame'),
  title: $('wallet-title'),
  close: $('wallet-close'),
});

function reveal(layer) {
  for (const name of layers) $(name).hidden = name !== layer;
}

async function load() {
  const response = await fetch('/miniprogram/phone.json');
  facts = await response.json();
  for (const place of document.querySelectorAll('[data-shop]')) place.textContent = facts.shop;
  $('nobody').hidden = facts.accounts.length > 0;
  $('accounts').replaceChildren(...facts.accounts.map(choice));
}

function choice(one) {
  const row = document.createElement('li');
  const button = add(row, 'button', `account site-${one.site.toLowerCase().replace('_', '-')}`);
  button.type = 'button';
  add(button, 'span', 'tile', initials(one.wallet)).setAttribute('aria-hidden', 'true');
  const words = add(button, 'span', 'words');
  add(words, 'b', '', one.wallet);
  add(words, 'small', '', one.name);
  const money = add(button, 'span', 'money', one.balance.display);
  add(money, 'span', 'cur', one.balance.currency);
  button.addEventListener('click', () => turnOn(one));
  return row;
}

function add(parent, tag, className, text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

function initials(name) {
  const [first, second] = name.match(/[A-Z]/g) ?? ['•'];
  return first + (second ?? '');
}

function turnOn(one) {
  account = one;
  window.history.replaceState(null, '', `?${new URLSearchParams({ wallet: one.site, user: one.user })}`);
  drawHome();
  reveal('home');
  $('home-title').focus({ preventScroll: true });
}

function drawHome() {
  document.body.dataset.site = account.site.toLowerCase().replace('_', '-');
  $('wallet-initials').textContent = initials(account.wallet);
  $('wallet-name').textContent = account.wallet;
  $('owner').textContent = account.name;
  $('balance').textContent = account.balance.display;
  $('currency').textContent = account.balance.currency;
}

function open() {
  reveal('program');
  $('program').title = facts.shop;
  if (isRunning) $('program').contentWindow.program?.show();
  else $('program').src = '/miniprogram/inside';
  isRunning = true;
  $('program').focus();
}

/** As phones do, the mini program stays alive behind the home screen. */
function putAway() {
  $('program').contentWindow.program?.hide();
  return goHome();
}

function kill() {
  isRunning = false;
  $('program').removeAttribute('src');
  $('kill').hidden = true;
}

async function goHome() {
  reveal('home');
  $('kill').hidden = !isRunning;
  await load();
  account = facts.accounts.find((one) => one.site === account.site && one.user === account.user) ?? account;
  drawHome();
  $('open').focus();
}

function showWatch() {
  document.body.classList.add('watching');
  $('side').querySelector('h2').scrollIntoView({ block: 'nearest' });
  $('fold').focus();
}

// What the inside of the mini program finds of its phone.
window.phone = {
  watch,
  showWatch,
  close: putAway,
  createMy: (inside) =>
    createContainer({
      account,
      watch,
      walletView,
      troubles,
      left: () => inside.program?.hide(),
      returned: () => inside.program?.show(),
    }),
};

$('open').addEventListener('click', open);
$('kill').addEventListener('click', () => {
  kill();
  $('open').focus();
});
$('switch').addEventListener('click', () => {
  kill();
  reveal('choose');
  $('choose-title').focus({ preventScroll: true });
});
$('visit').addEventListener('click', async () => {
  await walletView.visit(account.wallet, account.site, account.user);
  await goHome();
  $('visit').focus();
});
$('clear').addEventListener('click', () => watch.clear());
$('show-watch').addEventListener('click', showWatch);
$('fold').addEventListener('click', () => document.body.classList.remove('watching'));

function tellTime() {
  $('time').textContent = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
}
tellTime();
setInterval(tellTime, CLOCK_MILLISECONDS);

await load();
const wanted = new URLSearchParams(window.location.search);
const known = facts.accounts.find((one) => one.site === wanted.get('wallet') && one.user === wanted.get('user'));
if (known) turnOn(known);
document.body.dataset.ready = 'yes';
