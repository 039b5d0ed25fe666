import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { exceptions } from './testing/exceptions.ts';
import { appOf, type Variant, variants } from './testing/synth.ts';

interface Report {
  pluginReports: {
    pluginName: string;
    violations: { ruleName: string; violatingConstructs: { constructPath?: string }[] }[];
  }[];
}

test('cdk-nag and the CDK find nothing in any stage that has no reason, and each reason is still needed', (t) => {
  const used = new Set<string>();
  const unexplained: string[] = [];
  for (const variant of Object.keys(variants) as Variant[]) {
    const app = appOf(t, variant);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Findings make it fail; the report has them all.
    assert.throws(() => app.synth(), /Validation failed/);
    const report: Report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8'));
    assert.ok(report.pluginReports.some(({ pluginName }) => pluginName === 'AwsSolutions'));
    for (const { ruleName, violatingConstructs } of report.pluginReports.flatMap((each) => each.violations))
      for (const { constructPath = '' } of violatingConstructs) {
        const where = constructPath.replace(/^Millrace-[a-z]+-/, '');
        const known = exceptions.find((each) => ruleName.startsWith(each.rule) && each.where.test(where));
        if (known === undefined) unexplained.push(`${variant}: ${ruleName} at ${where}`);
        else used.add(`${known.rule} ${known.where}`);
      }
  }
  assert.deepEqual(unexplained, []);
  assert.deepEqual(
    exceptions.map(({ rule, where }) => `${rule} ${where}`).filter((each) => !used.has(each)),
    [],
  );
});
