/* Opens GraphiQL with the tabs and roles that the server names; a token typed under Headers always wins. */
(async () => {
  const opening = await (await fetch('/console/opening.json')).json();
  const roles = Object.keys(opening.tokens);
  const choice = document.getElementById('role');
  for (const role of roles) choice.add(new Option(role.replaceAll('_', ' '), role, false, role === opening.role));
  document.getElementById('roles').hidden = roles.length === 0;

  const fetcher = async (parameters, { headers = {} } = {}) => {
    const token = opening.tokens[choice.value];
    const answer = await fetch(opening.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: JSON.stringify(parameters),
    });
    return answer.json();
  };

  // Tabs live for this page only, so that every demo opens with its own.
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
    get length() {
      return kept.size;
    },
  };
  const defaultTabs = opening.tabs.map(({ title, query, variables }) => ({
    title,
    query,
    variables: Object.keys(variables).length ? JSON.stringify(variables, null, 2) : undefined,
  }));
  const root = ReactDOM.createRoot(document.getElementById('graphiql'));
  const draw = () =>
    root.render(
      React.createElement(GraphiQL, {
        key: choice.value, // the schema is read again for each role
        fetcher,
        storage,
        defaultTabs: defaultTabs.length ? defaultTabs : undefined,
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: true,
        defaultEditorToolsVisibility: 'variables', // while they are folded away a tab's variables are not sent
      }),
    );
  choice.addEventListener('change', draw);
  draw();
})();
