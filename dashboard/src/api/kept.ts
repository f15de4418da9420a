// What stands on the page until an answer is there.

/** A question, as the cache knows it: its kind, whose facts it asks for, and then what of them. */
interface Asked {
  queryKey: readonly unknown[];
}

/**
 * The answer to the question before, while this one has none: a list that is narrowed does not go and come back. Only of the
 * same `whose`, the parts of the key after its kind: one queue's facts are not another's, not even for a moment.
 */
export function kept(...whose: string[]) {
  return <T>(before: T | undefined, asked: Asked | undefined): T | undefined =>
    whose.every((part, at) => asked?.queryKey[at + 1] === part) ? before : undefined;
}
