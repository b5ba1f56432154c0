/** The interface of a drill. */

import type { Engine } from './engine';
import type { Report, Setting } from './trial';

export interface Drill {
  readonly name: string;
  readonly about: string;
  readonly engines: readonly Engine[];
  /** Default number of disturbances. */
  readonly cycles: number;
  readonly postsPerCycle: number;
  /** Reason why the drill cannot run on this machine, if any. */
  readonly obstacle?: () => string | undefined;
  /** @throws {Error} If the drill could not run to the end. */
  hold(setting: Setting): Promise<Report>;
}
