import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { App } from 'aws-cdk-lib';
import { addStage } from './app.ts';
import { loadSettings } from './settings/load.ts';

// Run by `cdk`, which hands over its context and takes the templates from the folder that it names.
const app = new App();
try {
  addStage(app, loadSettings(app.node.tryGetContext('stage'), app.node.tryGetContext('settings')));
  app.synth();
} catch (error) {
  if (!isMillraceError(error)) throw error;
  process.stderr.write(`${messageOf(error)}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
  process.exitCode = 2;
}
