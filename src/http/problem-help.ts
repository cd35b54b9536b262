import type { ErrorCode } from '../domain/errors.ts';

/** What to do about each error: `docs_url` of a problem leads to its section of /docs/errors. */
export const PROBLEM_HELP: Record<ErrorCode, string> = {
  run_invalid: 'Send the run token that came with the task, as it came.',
  run_over: 'The run has ended, or was taken back: drop its work and ask for more.',
  too_many_types: 'Delete types that are not needed any more, or use one type with a parameter.',
  too_many_limits:
    'Delete limits that are not needed any more, or give tenants a sub_key of one limit.',
  limit_not_found: 'GET /limits lists your limits; PUT /limits/{key} makes one.',
  duplicate:
    'An unfinished task has the same unique key: wait for its end, cancel it, or choose another on_conflict.',
  too_many_schedules: 'Delete schedules that are not needed any more.',
  type_built_in: 'Choose another name: this one is a built-in type.',
  type_in_use: 'Cancel its unfinished tasks, or let them end, and delete it again.',
  type_not_manual: 'Only tasks of manual types, which wait for a person, are ended by a call.',
  body_too_deep: 'Nest the JSON at most 64 levels deep.',
  body_too_large:
    'A body has at most 256 KB, a bulk submit 1 MB, a file 25 MB. Put large inputs into a file.',
  callbacks_not_configured: 'Callbacks are signed: set ROOT_SECRET, which npm run deploy does.',
  database_full:
    'Nothing was stored; what was accepted before goes on. Delete tasks that have ended (POST /tasks/actions), shorten RETENTION_DAYS, or set PRUNE_WHEN_FULL.',
  database_unavailable: 'Nothing was changed. Try again after Retry-After.',
  file_not_found: 'PUT the file to /files/{name} first, or look at GET /files.',
  idempotency_key_reused:
    'The key was sent with another body before. Use a new key for another task, or send the same body again.',
  internal_error: 'This is a fault of ours. The request id leads to its line in the log.',
  invalid_request: 'Every field that is wrong is in errors, with its path and what it must be.',
  key_expired: 'Make a new key: npm run keys -- create, or POST /keys.',
  key_invalid:
    'Send "Authorization: Bearer tk_…" with a key that exists. A mistyped key never does.',
  key_missing: 'Send "Authorization: Bearer tk_…". A key is made by npm run keys -- create.',
  key_not_found: 'GET /keys lists the keys that you may see.',
  key_revoked: 'The key was revoked for good. Make a new one.',
  malformed_json: 'The body must be one JSON value in UTF-8.',
  method_not_allowed: 'The header Allow names the methods of this path.',
  misconfigured: 'A setting is wrong or missing; docs/configuration.md explains each.',
  origin_not_allowed: 'CORS_ORIGINS names the pages that may open streams.',
  outcome_unknown:
    'The task may or may not be stored. Send it again with the same Idempotency-Key: it is stored once.',
  overloaded: 'Try again after Retry-After, and more slowly.',
  owner_not_found: 'An admin acts on its own owner; another one needs the scope operator.',
  precondition_failed: 'The file is not as If-Match or If-None-Match says. GET it again.',
  queue_not_found: 'GET /queues lists the queues.',
  range_not_allowed: 'PUT the whole file, without a Content-Range.',
  rate_limited: 'Try again after Retry-After. The header RateLimit-Policy tells the rate.',
  route_not_found: 'GET /openapi.json lists all routes; /docs shows them.',
  schedule_name_taken: 'Choose another name, or PATCH the schedule that has it.',
  schedule_not_found: 'GET /schedules lists your schedules.',
  scope_missing: 'Use a key with that scope. npm run keys -- list shows what each may do.',
  storage_unavailable: 'Nothing was changed. Try again after Retry-After.',
  task_finished: 'The task has ended. POST /tasks/{id}/retry runs it again.',
  task_not_found: 'The id is wrong, the task was deleted, or it belongs to another owner.',
  task_rejected: 'The database refused it. Send it again.',
  task_running: 'Cancel it first: POST /tasks/{id}/cancel.',
  task_unfinished: 'Wait for its end, or cancel it.',
  ticket_invalid: 'POST /events/ticket makes one; it opens one stream, once, within 30 s.',
  too_many_bytes:
    'Delete tasks or files that are no longer needed. MAX_STORED_MB and MAX_FILES_MB set the limits.',
  too_many_streams: 'Close some streams of this key, or watch the whole list by one.',
  too_many_unfinished: 'Let some tasks end first. MAX_UNFINISHED_TASKS sets the limit.',
  type_not_allowed: 'The key was made for other types. Use another key, or make one for this type.',
  type_not_found: 'GET /task-types lists the types.',
  unknown_type: 'GET /task-types lists the types and their parameters.',
  unsupported_media_type: 'Send "Content-Type: application/json"; curl does so with --json.',
  upload_interrupted: 'Nothing was kept. PUT the file again.',
  upgrade_required: 'Ask for a WebSocket, or for "Accept: text/event-stream".',
};
