// SPDX-License-Identifier: Apache-2.0
// What the three small shops share: one way to answer with a page, one way to ask another service. Node's standard library only.
'use strict';

const http = require('http');

const startedAt = new Date().toISOString();

function escapeHtml(value) {
	const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
	return String(value).replace(/[&<>"']/g, (c) => names[c]);
}

// Every fact stands on a line of its own with an id, so that a person can look at the page and a script can pick one line.
function page({ title, colour, lead, good, facts, lastError }) {
	const rows = facts.map(([id, label, value]) => `<tr><th>${escapeHtml(label)}</th><td id="${id}">${escapeHtml(value)}</td></tr>`);
	return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
body { font: 18px/1.5 system-ui, sans-serif; margin: 0; background: #f4f4f1; color: #222; }
header { background: ${colour}; color: #fff; padding: 1.2rem 2rem; }
h1 { margin: 0; font-weight: 600; }
main { max-width: 42rem; margin: 1.5rem auto; padding: 0 2rem; }
#now { font-size: 1.4rem; padding: .8rem 1rem; border-left: .4rem solid ${good ? '#2e7d32' : '#c62828'}; background: #fff; }
table { border-collapse: collapse; width: 100%; background: #fff; }
th, td { text-align: left; padding: .5rem 1rem; border-top: 1px solid #e3e3de; font-weight: normal; }
th { color: #666; width: 40%; }
</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1></header>
<main>
<p id="now">${escapeHtml(lead)}</p>
<table>
${rows.join('\n')}
<tr><th>Last error</th><td id="last-error">${escapeHtml(lastError || 'none')}</td></tr>
<tr><th>Process</th><td id="pid">${process.pid}</td></tr>
<tr><th>Running since</th><td id="started">${startedAt}</td></tr>
</table>
</main>
</body>
</html>
`;
}

function send(response, status, type, body) {
	const bytes = Buffer.from(body);
	response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, 'Cache-Control': 'no-store' });
	response.end(bytes);
}

const sendPage = (response, options) => send(response, 200, 'text/html; charset=utf-8', page(options));
const sendJson = (response, value) => send(response, 200, 'application/json', JSON.stringify(value) + '\n');

// routes: { 'GET /path': handler(request, response) }. A handler may be async; what it throws becomes a 500, never the end of the process.
function serve(name, port, routes) {
	const server = http.createServer((request, response) => {
		const handler = routes[`${request.method} ${request.url.split('?')[0]}`];
		if (!handler)
			return send(response, 404, 'text/plain', 'There is no such page.\n');
		Promise.resolve().then(() => handler(request, response)).catch((error) => {
			console.error(`${name}: ${error.stack}`);
			if (!response.headersSent)
				send(response, 500, 'text/plain', 'Something went wrong.\n');
			else
				response.destroy();
		});
	});
	server.listen(port, '0.0.0.0', () => console.log(`${name}: listening on port ${port}`));
	return server;
}

// GETs JSON. A new connection for each call, so that what is shown is what the mesh says now, not what it said when a connection was
// opened. Rejects with an Error whose message a person understands; error.status is set if the answer was not 200.
function getJson(url, timeoutMs = 3000) {
	return new Promise((resolve, reject) => {
		const request = http.get(url, { agent: false, timeout: timeoutMs }, (response) => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk) => { text += chunk; });
			response.on('error', reject);
			response.on('end', () => {
				if (response.statusCode !== 200)
					return reject(Object.assign(new Error(`${url} answered ${response.statusCode}`), { status: response.statusCode }));
				try {
					resolve(JSON.parse(text));
				} catch (error) {
					reject(new Error(`${url} did not answer with JSON`));
				}
			});
		});
		request.on('timeout', () => request.destroy(new Error(`${url} did not answer in ${timeoutMs} ms`)));
		request.on('error', reject);
	});
}

// Repeats work every ms milliseconds, never two at a time; 0 switches it off.
function every(ms, work) {
	if (ms > 0)
		setTimeout(() => Promise.resolve().then(work).finally(() => every(ms, work)), ms);
}

module.exports = { serve, sendPage, sendJson, getJson, every };
