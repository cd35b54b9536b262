import type { Step } from './step.ts';

export const filesSteps: Step[] = [
  {
    name: 'Put a file',
    call: 'PUT /files/postman.csv',
    body: 'city,sold\nLisbon,3\n',
    headers: { 'Content-Type': 'text/csv' },
    status: [200, 201],
    tests: { 'has its size': 'pm.expect(json.bytes).to.equal(19)' },
  },
  {
    name: 'List files',
    call: 'GET /files',
    status: 200,
    tests: { 'has it': "pm.expect(json.files.map((f) => f.name)).to.include('postman.csv')" },
  },
  { name: 'Get a file', call: 'GET /files/postman.csv', status: 200 },
  {
    name: 'Summarize it',
    call: 'POST /tasks',
    body: { type: 'file_processing', params: { file: 'postman.csv', operation: 'summarize' } },
    headers: { Prefer: 'wait=20' },
    status: 200,
    tests: { 'has its rows': 'pm.expect(json.result.rows).to.equal(1)' },
  },
  { name: 'Delete a file', call: 'DELETE /files/postman.csv', status: 204 },
];
