// The button by which a list gets one more, which the palette has, too.

import { useCommands } from "~/app/commands";
import { type Action, useAction } from "./action";

/** `what` is "Make a queue", say. */
export function Make({ what, action, isDisabled }: { what: string; action: () => Action; isDisabled?: boolean }) {
  const open = useAction();
  const make = () => open(action());
  useCommands([{ name: what, run: make }]);
  return (
    <button type="button" className="button button-main" onClick={make} disabled={isDisabled}>
      {what}
    </button>
  );
}
