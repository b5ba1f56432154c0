/** The disk of the SQLite file is full for a while. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill } from './trial/drill';
import type { Sending } from './trial/sender';
import { holdTrial, type Setting } from './trial/trial';

/** Room for what is sent, and small enough to be filled at once. */
const DISK_BYTES = 256 * 1024 * 1024;
/** Rejections after which the full disk counts as noticed. */
const REFUSED = 100;
const PATIENCE_MS = 20_000;

export const diskFull: Drill = {
  name: 'disk-full',
  about: 'a small disk is filled and has room again',
  engines: ['sqlite'],
  cycles: 4,
  postsPerCycle: 500,
  obstacle: () => (process.getuid?.() === 0 ? undefined : 'only root can mount a small disk'),
  async hold(setting) {
    const disk = join(setting.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'kyc-drill', disk]);
    const unmount = () => execFileSync('umount', ['--lazy', disk]);
    process.prependOnceListener('exit', unmount); // also where it is broken off
    try {
      return await holdOn(disk, setting);
    } finally {
      process.off('exit', unmount);
      unmount();
    }
  },
};

function holdOn(disk: string, setting: Setting) {
  const filler = join(disk, 'filler');
  const { cycles, random } = setting;
  return holdTrial(
    setting,
    { revived: true, dataDir: disk, env: { DATA_DIR: disk } },
    async ({ fleet, sending, reach }) => {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await reach((cycle + random() * 0.8) / cycles);
        const before = troublesOf(sending);
        fill(disk, filler);
        const patience = performance.now() + PATIENCE_MS;
        const felt = () => troublesOf(sending) - before >= REFUSED;
        while (!felt() && performance.now() < patience) {
          fill(disk, filler); // what a checkpoint has freed
          await sleep(20);
        }
        rmSync(filler);
      }
      const endings = fleet.gateways.flatMap((gateway) => gateway.endings);
      const clear = endings.filter((words) => words.includes('"level":"fatal"')).length;
      return `full ${cycles} times; ended ${endings.length} times, ${clear} with a fatal line`;
    },
  );
}

function troublesOf({ setbacks }: Sending): number {
  return setbacks.UNAVAILABLE + setbacks.BROKEN_CONNECTION + setbacks.REFUSED_CONNECTION;
}

/** Up to the last page. */
function fill(disk: string, filler: string): void {
  const file = openSync(filler, 'a');
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(disk);
      if (bavail === 0) return;
      writeSync(file, Buffer.alloc(Math.min(bavail * bsize, 8 * 1024 * 1024)));
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
}
