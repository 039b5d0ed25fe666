import { after, describe } from 'node:test';
import { storeConformance } from '@millrace/core/store/conformance.ts';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { plainSubject } from '../harness/conformance-subject.ts';
import { startStoreEngine } from '../harness/store-engine.ts';

for (const type of ['opensearch', 'elasticsearch'] as const) {
  for (const version of storeVersions[type]) {
    // One after the other: four engines at once are more than a small machine has memory for.
    const engine = await startStoreEngine(type, version);
    const subject = await plainSubject(type, engine);
    await new Promise<void>((resolve) => {
      describe(`${type} ${version}`, () => {
        after(async () => {
          await engine.stop();
          resolve();
        });
        storeConformance(subject);
      });
    });
  }
}
