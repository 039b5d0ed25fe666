import { httpGet } from '../../local/http.ts';
import type { Disaster } from './disaster.ts';

/** Somebody deletes indices of the last days by hand, and the marks stay: no loop of ours looks there again. */
export const indicesLost: Disaster = {
  name: 'indices-lost',
  summary: 'Indices are deleted by hand; the ledger names what is gone, a replay puts it back.',
  expects: 'the ledger says documents_gone, and after the replay every line is in search once',
  async run(day) {
    day.write(2_000);
    await day.whole();
    await day.until('every object has its mark', async () => (await day.ask('fill', '--once')).code === 0);
    const store = `http://127.0.0.1:${day.ports.opensearch}`;
    const { body } = await httpGet(`${store}/_cat/indices/millrace-*-*?format=json&h=index`, 10_000);
    const indices = (JSON.parse(body) as { index: string }[]).map(({ index }) => index);
    for (const index of indices) await fetch(`${store}/${index}`, { method: 'DELETE' });
    day.say(`deleted: ${indices.join(', ')}`);
    await day.until('the ledger names documents_gone', async () => {
      const { code, stdout } = await day.ledger('--json');
      return code === 1 && stdout.includes('"cause":"documents_gone"');
    });
    day.say('./millrace ledger: exit code 1, cause documents_gone');
    await day.command('replay', '--from', 'now-2d');
    await day.whole();
  },
};
