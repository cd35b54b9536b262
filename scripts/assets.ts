import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PUBLIC = join(ROOT, 'dist/public');
const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Puts together what the Worker serves as files (`[assets]` in wrangler.toml). */
export const buildAssets = (): void => {
  mkdirSync(join(PUBLIC, 'assets'), { recursive: true });
  cpSync(join(ROOT, 'static'), join(PUBLIC, 'assets'), { recursive: true });
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js'])
    copyFileSync(join(SWAGGER, file), join(PUBLIC, 'assets', file));
};
