/** What a drill is. */

import type { Engine } from './engine';
import type { Report, Setting } from './trial';

export interface Drill {
  readonly name: string;
  readonly about: string;
  readonly engines: readonly Engine[];
  /** How often whatever happens happens, unless somebody chooses otherwise. */
  readonly cycles: number;
  readonly postsPerCycle: number;
  /** Why it cannot be held here, if so. */
  readonly obstacle?: () => string | undefined;
  /** @throws {Error} if it could not be held to the end. */
  hold(setting: Setting): Promise<Report>;
}
