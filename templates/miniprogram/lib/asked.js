/**
 * What was asked before a later question is old when it is answered. `next()` begins a question, and answers whether
 * it is still the latest.
 */
export class Questions {
  constructor() {
    this.latest = 0;
  }

  /** @returns {() => boolean} */
  next() {
    this.latest += 1;
    const mine = this.latest;
    return () => mine === this.latest;
  }
}
