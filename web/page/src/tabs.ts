/** A tab list as WAI-ARIA describes it: arrows move, the chosen tab shows its panel. */

/** Calls back with the id of the chosen tab; returns a function that chooses one. */
export function openTabs(list: HTMLElement, onChoose: (id: string) => void): (id: string) => void {
  const tabs = [...list.querySelectorAll<HTMLButtonElement>('[role="tab"]')];
  const choose = (chosen: HTMLButtonElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")!)!.hidden = !isChosen;
    }
    onChoose(chosen.id);
  };
  tabs.forEach((tab, i) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = ({ key }) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[key];
      if (to === undefined) return;
      const next = tabs[(to + tabs.length) % tabs.length]!;
      next.focus();
      choose(next);
    };
  });
  return (id) => {
    const tab = tabs.find((candidate) => candidate.id === id);
    if (tab) choose(tab);
  };
}
