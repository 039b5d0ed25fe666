// Runs in a container that ends before the program's own begins: writes the program's files, and gives it the
// folders that it writes to. Secrets come from the environment of this container and stand nowhere else.
const { chownSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const { FILES, FOLDERS, INTO, OWNER } = process.env;

/** `{"$env": "NAME"}` anywhere stands for the variable's text. */
const filled = (value) => {
  if (Array.isArray(value)) return value.map(filled);
  if (typeof value !== 'object' || value === null) return value;
  if (typeof value.$env !== 'string')
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each)]));
  const text = process.env[value.$env];
  if (!text) throw new Error(`${value.$env} is empty`);
  return text;
};

const owner = Number(OWNER);
for (const folder of [INTO, ...JSON.parse(FOLDERS)]) {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, owner, owner);
}
for (const [name, content] of Object.entries(JSON.parse(FILES))) {
  const file = join(INTO, name);
  const value = filled(content);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value, null, 2), { mode: 0o400 });
  chownSync(file, owner, owner);
}
