import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { App } from 'aws-cdk-lib';
import { addStage } from './app.ts';
import { loadSettings } from './settings/load.ts';

// What `cdk` knows by its credentials; without any the account is missing.
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;

// Run by `cdk`, which hands over its context and takes the templates from the folder that it names.
const app = new App();
try {
  const place = account === undefined || region === undefined ? undefined : { account, region };
  addStage(app, loadSettings(app.node.tryGetContext('stage'), app.node.tryGetContext('settings'), place));
  app.synth();
} catch (error) {
  if (!isMillraceError(error)) throw error;
  process.stderr.write(`${messageOf(error)}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
  process.exitCode = 2;
}
