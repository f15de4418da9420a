// What the API says when it can't do something: RFC 9457, and nothing that this page made up.

export interface FieldProblem {
  field: string;
  message: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly fields: FieldProblem[];
  readonly requestId: string | null;

  constructor(status: number, detail: string, fields: FieldProblem[] = [], requestId: string | null = null) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.fields = fields;
    this.requestId = requestId;
  }

  /** The server is older than the page's question: there is no such path at all. */
  get isUnknownPath(): boolean {
    return this.status === 404 && this.message.startsWith("nothing is at");
  }

  static async of(response: Response, body: unknown): Promise<Problem> {
    const given = (typeof body === "object" && body !== null ? body : {}) as {
      detail?: unknown;
      errors?: FieldProblem[];
    };
    const detail = typeof given.detail === "string" ? given.detail : `the server answered ${response.status}`;
    return new Problem(response.status, detail, given.errors ?? [], response.headers.get("x-request-id"));
  }
}

/** A sentence for people, whatever was thrown. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof TypeError) return "the server can't be reached";
  return error instanceof Error ? error.message : String(error);
}

/** Why there is nothing of what was asked for, if that is all that is wrong. */
export function whyNone(error: unknown): string | null {
  return error instanceof Problem && error.status === 404 && !error.isUnknownPath ? error.message : null;
}
