/** Preloaded into a gateway: each SIGUSR2 sets the clock that it sees back by twenty minutes. */

const STEP_MS = 20 * 60 * 1000;
const TrueDate = Date;
let behindMs = 0;

process.on('SIGUSR2', () => {
  behindMs += STEP_MS;
});

globalThis.Date = class extends TrueDate {
  constructor(...args) {
    if (args.length === 0) super(TrueDate.now() - behindMs);
    else super(...args);
  }

  static now() {
    return TrueDate.now() - behindMs;
  }
};
