import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLoaderConfig } from './config.ts';
import { redshift } from './warehouse.ts';

interface Sent {
  name: string;
  input: Record<string, unknown>;
}

/** The Data API, as far as it answers what it is asked. */
function setUp(answers: (sent: Sent) => object, where: Record<string, string>) {
  const sent: Sent[] = [];
  const client = {
    async send(command: { constructor: { name: string }; input: object }) {
      const each = { name: command.constructor.name, input: command.input as Record<string, unknown> };
      sent.push(each);
      return answers(each);
    },
  };
  const config = readLoaderConfig({
    MILLRACE_BUCKET: 'example-logs',
    MILLRACE_COPY_ROLE_ARN: 'arn:aws:iam::123456789012:role/copy',
    MILLRACE_DATABASE: 'logs',
    ...where,
  });
  return { sent, warehouse: redshift(config, client as unknown as Parameters<typeof redshift>[1]) };
}

const workgroup = { MILLRACE_WORKGROUP: 'reports' };

test('loads that have not ended are found by their name, in the order in which they go on', async () => {
  const { sent, warehouse } = setUp(
    ({ input }) => ({ Statements: input.Status === 'SUBMITTED' ? [] : [{ Id: 'one' }] }),
    workgroup,
  );
  assert.deepEqual(await warehouse.running(), ['one']);
  assert.deepEqual(
    sent.map(({ input }) => input.Status),
    ['SUBMITTED', 'PICKED', 'STARTED'],
  );
  for (const { input } of sent) {
    assert.equal(input.StatementName, 'millrace-load');
    assert.equal(input.WorkgroupName, 'reports');
    assert.equal(input.RoleLevel, undefined); // of the role, whichever of its functions began it
  }
});

test('a question is no load, and is answered by its first statement', async () => {
  const { sent, warehouse } = setUp(
    ({ name }) =>
      name.startsWith('Batch') ? { Id: 'q' } : { Records: [[{ stringValue: 'key' }, { longValue: 7 }]] },
    { MILLRACE_CLUSTER: 'reports' },
  );
  const id = await warehouse.begin('question', ['SELECT 1'], 'token');
  assert.deepEqual(await warehouse.rows(id), [['key', '7']]);
  assert.deepEqual(sent[0]?.input, {
    Database: 'logs',
    ClusterIdentifier: 'reports',
    Sqls: ['SELECT 1'],
    ClientToken: 'token',
    StatementName: 'millrace-question',
  });
  assert.deepEqual(sent[1]?.input, { Id: 'q:1' });
});

test('a statement that somebody stopped is not one that was refused', async () => {
  const ended = async (Status: string) =>
    setUp(() => ({ Status, Error: 'why' }), workgroup).warehouse.state('s');
  assert.deepEqual(await ended('STARTED'), { ended: false });
  assert.deepEqual(await ended('FINISHED'), { ended: true });
  assert.deepEqual(await ended('FAILED'), { ended: true, error: 'FAILED: why', stopped: false });
  assert.deepEqual(await ended('ABORTED'), { ended: true, error: 'ABORTED: why', stopped: true });
});
