import type { HttpTarget } from "./http-request.ts";
import type { Session } from "./session.ts";

const MOST_TOPICS = 20;
const LONGEST_MESSAGE = 500;

/**
 * Keeps what a hub asks its clients to tell the user: `X-HF-Warning: topic; message`, which may come with every
 * answer and is shown once per topic (huggingface_hub `utils/_http.py`). `fetch` joins repeated headers with a comma.
 */
export function noteServerWarnings(session: Session, target: HttpTarget, headers: Headers): void {
  const sent = headers.get("x-hf-warning");
  if (sent === null || target.hub !== true) return;
  const { serverWarnings } = session;
  for (const part of sent.split(/,\s+(?=[\w.-]{1,64};)/)) {
    const semicolon = part.indexOf(";");
    const topic = semicolon < 0 ? "" : part.slice(0, semicolon).trim();
    const message = part.slice(semicolon + 1).trim();
    if (message === "" || serverWarnings.has(topic) || serverWarnings.size >= MOST_TOPICS) continue;
    const where = topic === "" ? target.label : topic;
    serverWarnings.set(topic, { code: "server-warning", message: message.slice(0, LONGEST_MESSAGE), where });
  }
}
