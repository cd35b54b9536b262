import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Builds the package of the TypeScript client and the command line: `clients/typescript/dist`.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = `${ROOT}clients/typescript`;

rmSync(`${PACKAGE}/dist`, { recursive: true, force: true });
execFileSync(`${ROOT}node_modules/.bin/tsc`, ['-p', PACKAGE], { stdio: 'inherit' });
chmodSync(`${PACKAGE}/dist/cli/main.js`, 0o755);
copyFileSync(`${ROOT}LICENSE`, `${PACKAGE}/LICENSE`);
console.log('clients/typescript/dist. To publish: npm publish ./clients/typescript');
