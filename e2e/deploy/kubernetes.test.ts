import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { pythonWith } from '../harness/clients.ts';
import { kustomize } from '../harness/kubectl.ts';
import { root } from '../harness/stack.ts';

const folder = join(root, 'deploy/kubernetes');
/** The oldest and the newest that the manifests are held to. */
const versions = ['1.32', '1.37'];

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  [key: string]: unknown;
}

/** As far as the tests look at it. */
interface DaemonSet extends Manifest {
  spec: {
    updateStrategy: { rollingUpdate: { maxUnavailable: string } };
    template: {
      spec: {
        terminationGracePeriodSeconds: number;
        automountServiceAccountToken: boolean;
        securityContext?: { supplementalGroups: number[] };
        tolerations: { operator: string }[];
        containers: Container[];
        volumes: { name: string; hostPath?: { path: string }; configMap?: { name: string } }[];
      };
    };
  };
}

interface Container {
  image: string;
  args: string[];
  env: { name: string }[];
  lifecycle: { preStop: { exec: { command: string[] } } };
  livenessProbe: { httpGet: { path: string } };
  readinessProbe: { httpGet: { path: string } };
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}

function dir(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-kubernetes-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function rendered(path: string): Promise<Manifest[]> {
  return parseAllDocuments(await kustomize(path)).map((document) => document.toJS() as Manifest);
}

async function daemonSet(path = join(folder, 'base')): Promise<DaemonSet> {
  const found = (await rendered(path)).find(({ kind }) => kind === 'DaemonSet');
  assert.ok(found);
  return found as DaemonSet;
}

/** Throws with what is wrong. */
async function validate(path: string, version: string): Promise<void> {
  const python = await pythonWith('kubernetes-validate==1.37.0');
  const program = join(dirname(python), 'kubernetes-validate');
  const { status, stdout } = spawnSync(program, ['--strict', '--kubernetes-version', version, path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout);
}

test('base and overlays are what Kubernetes’ schemas allow', async (t) => {
  for (const name of ['base', 'overlays/eks']) {
    const file = join(dir(t), `${basename(name)}.yaml`);
    writeFileSync(file, await kustomize(join(folder, name)));
    for (const version of versions) await validate(file, version);
  }
});

test('a misspelt field is found', async (t) => {
  const file = join(dir(t), 'wrong.yaml');
  const text = await kustomize(join(folder, 'base'));
  writeFileSync(file, text.replace('terminationGracePeriodSeconds', 'terminationGraceSeconds'));
  await assert.rejects(validate(file, '1.37'), /terminationGraceSeconds/);
});

test('the agent asks nothing of Kubernetes: no role, no token', async () => {
  for (const name of ['base', 'overlays/eks']) {
    const kinds = (await rendered(join(folder, name))).map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ['ConfigMap', 'DaemonSet', 'Namespace', 'ServiceAccount']);
  }
  const account = (await rendered(join(folder, 'base'))).find(({ kind }) => kind === 'ServiceAccount');
  assert.equal(account?.automountServiceAccountToken, false);
  assert.equal((await daemonSet()).spec.template.spec.automountServiceAccountToken, false);
});

test('a pod has more time to end than its drain and the upload after it', async () => {
  const { spec } = (await daemonSet()).spec.template;
  const command = spec.containers[0]?.lifecycle.preStop.exec.command ?? [];
  const deadline = Number(/^(\d+)s$/.exec(command[command.indexOf('--deadline') + 1] ?? '')?.[1]);
  // Uploads are given up when none succeeds for a minute.
  assert.ok(spec.terminationGracePeriodSeconds >= deadline + 60 + 30, `${deadline} s`);
  const [config] = spec.containers[0]?.args.slice(-1) ?? [];
  assert.equal(command[command.indexOf('--config') + 1], config, 'the drain is that of this configuration');
});

test('it writes nowhere but into its state on the node, and of root it has the right to read alone', async () => {
  const { spec } = (await daemonSet()).spec.template;
  const [container] = spec.containers;
  assert.ok(container);
  const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
  assert.deepEqual(
    writable.map(({ mountPath }) => mountPath),
    ['/var/lib/millrace'],
  );
  const { capabilities, readOnlyRootFilesystem, allowPrivilegeEscalation } = container.securityContext;
  assert.deepEqual(capabilities, { drop: ['ALL'], add: ['DAC_READ_SEARCH'] });
  assert.deepEqual([readOnlyRootFilesystem, allowPrivilegeEscalation], [true, false]);
  assert.deepEqual(spec.tolerations, [{ operator: 'Exists' }]);
  // Positions made under another machine's id are not believed: every file would be read again.
  assert.ok(container.volumeMounts.some(({ mountPath }) => mountPath === '/etc/machine-id'));
});

test('without root it has no capability at all', async (t) => {
  const overlay = dir(t);
  const lines = [
    'apiVersion: kustomize.config.k8s.io/v1beta1',
    'kind: Kustomization',
    'resources: [base]',
    'components: [components/non-root]',
  ];
  // A folder of its own beside the others: kustomize reads nothing by an absolute path.
  spawnSync('cp', ['-r', join(folder, 'base'), join(folder, 'components'), overlay]);
  writeFileSync(join(overlay, 'kustomization.yaml'), `${lines.join('\n')}\n`);
  const { spec } = (await daemonSet(overlay)).spec.template;
  const { capabilities, runAsNonRoot, runAsUser } = spec.containers[0]?.securityContext ?? {};
  assert.deepEqual([capabilities, runAsNonRoot, runAsUser], [{ drop: ['ALL'] }, true, 10001]);
  const file = join(overlay, 'rendered.yaml');
  writeFileSync(file, await kustomize(overlay));
  await validate(file, '1.37');
});

test('another configuration has another name, so that a change is rolled out', async () => {
  const names = await Promise.all(
    ['base', 'overlays/eks'].map(async (name) => {
      const { spec } = (await daemonSet(join(folder, name))).spec.template;
      return spec.volumes.find(({ configMap }) => configMap)?.configMap?.name ?? '';
    }),
  );
  assert.match(names[0] ?? '', /^millrace-agent-[a-z0-9]{8,}$/);
  assert.notEqual(names[0], names[1]);
});

test('the agent takes every configuration, and names no host that is a pod', () => {
  const files = globSync('**/agent.conf', { cwd: folder });
  assert.equal(files.length, 2);
  for (const file of files) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'agent/src/main.ts'), 'check', '--config', join(folder, file)],
      { encoding: 'utf8', env: { NODE_NAME: 'ip-10-0-1-7.eu-west-1.compute.internal' } },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /host +ip-10-0-1-7\.eu-west-1\.compute\.internal/);
  }
});

test('the probes ask what the agent answers', async () => {
  const [container] = (await daemonSet()).spec.template.spec.containers;
  assert.equal(container?.readinessProbe.httpGet.path, '/readyz');
  assert.equal(container?.livenessProbe.httpGet.path, '/api/v1/status');
  const config = parse(
    await kustomize(join(folder, 'base')).then((text) => text.split('---\n')[2] ?? ''),
  ) as {
    data: Record<string, string>;
  };
  assert.match(config.data['agent.conf'] ?? '', /http_host 0\.0\.0\.0\n\s*http_port 6706/);
});
