// A process that creates flow logs in a file, one after another, until it is killed; it says each name once it is safe.
// Its arguments: the folder of the modules as they are built, the file, and what names begin with.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type { FlowLogFields } from '../../../src/flowlog/flow_log.ts';

async function run(): Promise<void> {
  const [modules, state, prefix] = process.argv.slice(2);
  const { StateFile } = (await import(
    `${modules}/state_file.js`
  )) as typeof import('../../../src/app/flow_logs/state_file.ts');
  const { create } = (await import(`${modules}/catalog.js`)) as typeof import('../../../src/app/flow_logs/catalog.ts');
  const file = new StateFile(state);
  for (let n = 0; ; n++) {
    const fields: FlowLogFields = {
      name: `${prefix}-${n}`,
      description: 'x'.repeat(200),
      resourceType: 'VPC',
      resourceId: 'vpc-1',
      trafficType: 'All',
      ipVersion: 'IPv4',
      aggregationInterval: 10,
      trafficPaths: ['all'],
      project: 'p',
      logstore: 'l',
      tags: {},
    };
    const birth = { id: `fl-${randomBytes(10).toString('hex')}`, creationTime: '2026-01-01T00:00:00.000Z' };
    await file.change((before) => create({ ...before, quota: 100_000 }, fields, birth));
    fs.writeSync(1, `${fields.name}\n`);
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await run();
