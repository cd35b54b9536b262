/** Whether an answer is a stream of events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const isEventStream = (response: Response): boolean =>
  /^text\/event-stream\b/i.test(response.headers.get('Content-Type') ?? '');
