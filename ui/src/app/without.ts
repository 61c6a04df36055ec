// A copy of a view's state without one of its parts.
export function without<State extends object, Key extends keyof State>(
  state: State,
  key: Key,
): Omit<State, Key> {
  const copy = { ...state };
  delete copy[key];
  return copy;
}
