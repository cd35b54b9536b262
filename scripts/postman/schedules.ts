import type { Step } from './step.ts';

export const scheduleSteps: Step[] = [
  {
    name: 'Preview a schedule',
    call: 'POST /schedules/preview',
    body: {
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      after: '2026-03-28T12:00:00Z',
      count: 2,
    },
    status: 200,
    tests: {
      'skips no night': "pm.expect(json.next[0].local).to.equal('2026-03-29T03:00:00+02:00')",
    },
  },
  {
    name: 'Create a schedule',
    call: 'POST /schedules',
    body: {
      name: 'nightly-{{$guid}}',
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      task: { type: 'sum', params: { a: 5, b: 3 } },
      overlap: 'skip',
    },
    status: 201,
    keep: { scheduleId: 'json.schedule_id' },
    tests: { 'says when': "pm.expect(json.words).to.equal('At 02:30')" },
  },
  {
    name: 'All schedules',
    call: 'GET /schedules',
    query: { recent: '30' },
    status: 200,
    tests: { 'are listed': 'pm.expect(json.schedules).to.be.an("array").that.is.not.empty' },
  },
  { name: 'One schedule', call: 'GET /schedules/{{scheduleId}}', status: 200 },
  {
    name: 'When it fires next',
    call: 'GET /schedules/{{scheduleId}}/next',
    query: { count: '3' },
    status: 200,
    tests: { 'are three': 'pm.expect(json.next).to.have.length(3)' },
  },
  {
    name: 'Change it',
    call: 'PATCH /schedules/{{scheduleId}}',
    body: { overlap: 'queue_one' },
    status: 200,
    tests: { 'is changed': "pm.expect(json.overlap).to.equal('queue_one')" },
  },
  { name: 'Run it now', call: 'POST /schedules/{{scheduleId}}/trigger', status: 202 },
  {
    name: 'Run what is past',
    call: 'POST /schedules/{{scheduleId}}/backfill',
    body: { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' },
    status: 202,
    tests: { 'are two': 'pm.expect(json.submitted).to.equal(2)' },
  },
  { name: 'Pause it', call: 'POST /schedules/{{scheduleId}}/pause', status: 200 },
  { name: 'Resume it', call: 'POST /schedules/{{scheduleId}}/resume', status: 200 },
  { name: 'Delete it', call: 'DELETE /schedules/{{scheduleId}}', status: 204 },
];
