/**
 * Takes out of a build what Next draws at random for it, so that the same sources give the same
 * image: the three keys of draft mode and the key of server actions. This page has neither, and a
 * key in a public image would be no secret anyway. What takes their place matches nothing: half of a
 * surrogate pair is in no header and in no decoded cookie. (An empty value would match a header that
 * is missing.)
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const build = '.next/standalone/.next';
const read = (file) => JSON.parse(readFileSync(join(build, file), 'utf8'));
const { node, edge, encryptionKey } = read('server/server-reference-manifest.json');
if (Object.keys({ ...node, ...edge }).length > 0) {
  throw new Error('This build has server actions: give them a key from a Secret (NEXT_SERVER_ACTIONS_ENCRYPTION_KEY).');
}
const keys = [encryptionKey, ...Object.values(read('prerender-manifest.json').preview)];

for (const entry of readdirSync(build, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  // Byte for byte, whatever the file holds.
  const before = readFileSync(file, 'latin1');
  const after = keys.reduce((text, key) => text.replaceAll(key, 'none\\ud800'), before);
  if (after !== before) {
    writeFileSync(file, after, 'latin1');
    console.log(`Without keys: ${file}`);
  }
}
