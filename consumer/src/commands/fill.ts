import { crc32 } from 'node:zlib';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { type StoreConfig, StoreConfigSchema } from '@millrace/core/store/config.ts';
import { runStoreFiller, storeFiller } from '../filler/store-filler.ts';
import { parseArguments } from './arguments.ts';
import { withFleet } from './fleet.ts';
import { jsonArgument } from './json-argument.ts';
import type { ConsumerCommand } from './registry.ts';

export const fill: ConsumerCommand = {
  name: 'fill',
  summary: 'Fill a store from the archive: one that is new, or a second one.',
  usage: `usage: fill [--store-config FILE] [--once]

  --store-config FILE  JSON as under "store" in consumer.json, or that JSON itself; absent: the configured store
  --once               one pass over the whole archive, then exit: 0 when every object has its mark, else 1

Without --once it goes on until it is stopped, as the filler in the consumer does. What is there already is left.
`,
  async run(args, context) {
    const { values } = parseArguments(args, {
      'store-config': { type: 'string' },
      once: { type: 'boolean' },
    });
    const { config, clock, signal, telemetry, stderr } = context;
    const other = values['store-config'];
    const storeConfig = other === undefined ? config.store : readStoreConfig(other);
    const lock =
      other === undefined ? 'filler' : `filler-${crc32(JSON.stringify(storeConfig.node)).toString(16)}`;
    return withFleet(
      context,
      async (fleet) => {
        const options = { ...fleet, config, lock, clock, telemetry };
        if (values.once !== true) {
          await runStoreFiller(options, signal);
          return 0;
        }
        await fleet.store.install(signal);
        const { filler, close } = storeFiller(options);
        try {
          const filled = await filler.pass(signal, true);
          stderr(`${filled} objects filled, ${filler.unmarked} without a mark\n`);
          return filler.unmarked === 0 && !signal.aborted ? 0 : 1;
        } finally {
          await close();
        }
      },
      storeConfig,
    );
  },
};

function readStoreConfig(value: string): StoreConfig {
  const { where, json } = jsonArgument('--store-config', value);
  return validateConfig(StoreConfigSchema, json, where);
}
