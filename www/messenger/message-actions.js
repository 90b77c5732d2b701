// What can be done with a message: the entries of its menu, and what they do.
import { announce } from "/shared/dom.js";
import { inOneLine, isGone } from "/shared/words.js";
import { choose } from "./choose.js";
import { confirm } from "/shared/dialog.js";
import { showMenu } from "/shared/menu.js";
import { showReceipts } from "./receipts.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
  } catch {
    announce("The browser does not allow copying.");
  }
}

async function forward(message, profiles) {
  const chosen = await choose("Forward to", profiles(), "Forward");
  const failed = chosen.filter((profile) => message.forward(profile).send() !== MESIBO_RESULT_OK);
  const where = chosen.length === 1 ? chosen[0].getNameOrAddress() : `${chosen.length} chats`;
  if (failed.length) announce("The message cannot be forwarded.");
  else if (chosen.length) announce(`Forwarded to ${where}`);
}

async function deleteHere(message) {
  const text = "It disappears from your devices. Others keep it.";
  if (await confirm("Delete for me?", text, "Delete for me")) message.delete();
}

async function deleteForAll(message) {
  const text = "It disappears for everybody. That it was there can still be seen.";
  if (!(await confirm("Delete for everybody?", text, "Delete for everybody"))) return;
  if (!(await message.wipeAndRecall())) announce("The message cannot be taken back.");
}

/** `writing` answers and edits; `profiles()` are those one can forward to; `open(profile)` goes. */
export function messageActions(api, writing, profiles, open) {
  return (message, bubble, point = null) => {
    const gone = isGone(message);
    const own = message.isOutgoing();
    const ready = !gone && !message.isFailed();
    const retractable = own && message.mayBeRetracted();
    const privately = () => {
      open(message.profile);
      writing().answer(message, true);
    };
    showMenu(
      "Message actions",
      [
        own &&
          message.isFailed() && {
            icon: "retry",
            text: "Send again",
            act: () => message.resend(),
          },
        ready && {
          icon: "reply",
          text: "Reply",
          act: () => writing().answer(message),
        },
        ready &&
          !own &&
          message.isGroupMessage() && {
            icon: "reply",
            text: "Reply privately",
            act: privately,
          },
        retractable &&
          message.message && {
            icon: "edit",
            text: "Edit",
            act: () => writing().edit(message),
          },
        !gone &&
          message.message && {
            icon: "copy",
            text: "Copy text",
            act: () => copy(message.message),
          },
        ready && {
          icon: "forward",
          text: "Forward",
          act: () => forward(message, profiles),
        },
        own &&
          ready && {
            icon: "info",
            text: "Info",
            act: () => showReceipts(api, message),
          },
        {
          icon: "trash",
          text: "Delete for me",
          act: () => deleteHere(message),
          danger: true,
        },
        retractable && {
          icon: "trash",
          text: "Delete for everybody",
          act: () => deleteForAll(message),
          danger: true,
        },
      ],
      bubble.more,
      point,
    );
    bubble.more.setAttribute("aria-label", `Actions for: ${inOneLine(message).slice(0, 60)}`);
  };
}
