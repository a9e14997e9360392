/**
 * The framework of mini programs, as far as the kit needs it: modules, App, Page, a stack of pages, setData.
 *
 * Each launch has a realm of its own, so what a module remembers begins anew, as after the app was killed. The realm
 * has the language, `App`, `Page`, `my`, `setTimeout`, `console`, and nothing of a browser or of Node.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

import { expand, flaws, parse } from './axml.mjs';

const MOST_PAGES = 10;
const sources = new Map();

function read(file) {
  if (!sources.has(file)) sources.set(file, readFileSync(file, 'utf8'));
  return sources.get(file);
}

export class Program {
  constructor(folder, { my, time, complain }) {
    this.folder = folder;
    this.config = JSON.parse(read(path.join(folder, 'app.json')));
    this.tabs = this.config.tabBar.items.map((item) => item.pagePath);
    this.definitions = new Map();
    this.stack = [];
    this.kept = new Map();
    this.complain = complain;
    this.app = {};
    this.loading = '';
    this.modules = new Map();
    const globals = {
      my: Object.assign(my, this.navigation()),
      App: (definition) => (this.app = definition),
      Page: (definition) => this.definitions.set(this.loading, definition),
      setTimeout: time.setTimeout,
      console: { info() {}, error: (...words) => complain(words.map(String).join(' ')) },
      moment: time.now,
    };
    this.realm = vm.createContext(globals, { codeGeneration: { strings: false, wasm: false } });
    vm.runInContext('{ const now = moment; Date.now = () => now(); delete globalThis.moment; }', this.realm);
  }

  async load() {
    await this.evaluate('app.js');
    for (const route of this.config.pages) {
      this.loading = route;
      await this.evaluate(`${route}.js`);
      if (!this.definitions.has(route)) throw new Error(`${route}.js defines no page`);
    }
  }

  async evaluate(name) {
    const module = this.module(path.join(this.folder, name));
    await module.link((wanted, from) => {
      if (!/^\.\.?\//.test(wanted)) throw new Error(`${from.identifier} imports ${wanted}: only own files are there`);
      return this.module(path.resolve(path.dirname(from.identifier), wanted));
    });
    await module.evaluate();
  }

  module(file) {
    if (!file.startsWith(this.folder + path.sep)) throw new Error(`${file} is outside of the mini program`);
    if (!this.modules.has(file)) {
      this.modules.set(file, new vm.SourceTextModule(read(file), { context: this.realm, identifier: file }));
    }
    return this.modules.get(file);
  }

  template(route) {
    return parse(read(path.join(this.folder, `${route}.axml`)), route);
  }

  /** What is wrong between markup and pages. */
  flaws() {
    const found = this.tabs.filter((tab) => !this.config.pages.includes(tab)).map((tab) => `${tab} is no page`);
    const shared = [...this.modules.keys()].filter((file) => file.startsWith(path.join(this.folder, 'lib')));
    for (const [route, definition] of this.definitions) {
      const source = [path.join(this.folder, `${route}.js`), ...shared].map(read).join('\n');
      found.push(...flaws(this.template(route), definition, source, route));
    }
    return found;
  }

  get page() {
    return this.stack[this.stack.length - 1];
  }

  launch() {
    this.app.onLaunch?.({});
    this.app.onShow?.({});
    this.switchTab(this.config.pages[0]);
  }

  navigation() {
    const parsed = (url) => {
      const [route, search = ''] = url.replace(/^\//, '').split('?');
      if (!this.config.pages.includes(route)) throw new Error(`app.json names no page ${route}`);
      return [route, Object.fromEntries(new URLSearchParams(search))];
    };
    const ordinary = (url) => {
      const [route, query] = parsed(url);
      if (this.tabs.includes(route)) throw new Error(`${route} is a tab: my.switchTab opens it`);
      return [route, query];
    };
    return {
      navigateTo: ({ url }) => {
        const [route, query] = ordinary(url);
        if (this.stack.length >= MOST_PAGES) throw new Error('too many pages lie on each other');
        this.page?.onHide?.();
        this.push(this.create(route, query));
      },
      redirectTo: ({ url }) => {
        const [route, query] = ordinary(url);
        this.stack.pop().leave();
        this.push(this.create(route, query));
      },
      switchTab: ({ url }) => {
        const [route] = parsed(url);
        if (!this.tabs.includes(route)) throw new Error(`${route} is no tab`);
        this.switchTab(route);
      },
      navigateBack: ({ delta = 1 } = {}) => {
        for (let left = Math.min(delta, this.stack.length - 1); left > 0; left -= 1) this.stack.pop().leave();
        this.page.onShow?.();
      },
    };
  }

  switchTab(route) {
    if (this.page?.route === route) return;
    for (const page of this.stack.splice(0)) {
      if (this.tabs.includes(page.route)) page.onHide?.();
      else page.leave();
    }
    if (!this.kept.has(route)) this.kept.set(route, this.create(route, {}));
    this.push(this.kept.get(route));
  }

  push(page) {
    this.stack.push(page);
    page.onShow?.();
  }

  create(route, query) {
    const definition = this.definitions.get(route);
    const page = { ...definition, route, data: structuredClone(definition.data), isGone: false };
    const template = this.template(route);
    page.setData = (changes, done) => {
      for (const name of Object.keys(changes)) {
        if (!Object.hasOwn(page.data, name)) this.complain(`${route} sets data.${name}, which it does not declare`);
        // What crosses to the view is copied, and what cannot be copied is a mistake.
        const text = JSON.stringify(changes[name]);
        if (text === undefined) this.complain(`${route} sets data.${name} to nothing that can be shown`);
        else page.data[name] = JSON.parse(text);
      }
      done?.();
    };
    page.leave = () => {
      page.onUnload?.();
      page.isGone = true;
    };
    page.view = () => expand(template, page.data);
    page.onLoad?.(query);
    return page;
  }
}
