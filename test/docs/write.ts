/** `npm run docs`: writes the generated pages. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderConfigurationPage, renderEnvExample } from './configuration-page';

const ROOT = join(__dirname, '../..');

writeFileSync(join(ROOT, 'docs/configuration.md'), renderConfigurationPage());
writeFileSync(join(ROOT, '.env.example'), renderEnvExample());
