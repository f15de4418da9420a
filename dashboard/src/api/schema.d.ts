// Generated from /openapi.json by `npm run client`; not edited by hand.

export interface paths {
    "/api/v1/compatibility/{key}/{version}/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
                version: string;
                service: string;
            };
            cookie?: never;
        };
        /** Every client is fine */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    key: string;
                    version: string;
                    service: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/installation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Release and edition; `dist` tells stock clients whether to sign in */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Installation"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/log_handler": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where stock clients log to: nowhere */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Agents */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Makes an agent, with a queue `default` */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** The same as the list */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** One agent, by name or uuid, with its replicas */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        /** Deletes an agent with its queues */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes an agent; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/credentials": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** The generations of credentials that come in, the oldest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CredentialsList"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a new generation; the one before still comes in, what is older does not */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": Record<string, never>;
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewCredentials"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/credentials/{generation}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                generation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a generation, and its connections to the broker */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    generation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RetiredCredentials"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** Queues of an agent */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                    /** @description `true`: adds the backlogs of the last hour, one a minute */
                    series?: components["parameters"]["series"];
                };
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Makes a queue */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** The same as the list */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                    /** @description `true`: adds the backlogs of the last hour, one a minute */
                    series?: components["parameters"]["series"];
                };
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        /** One queue, with its numbers */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        /** Deletes a queue */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a queue; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts nothing of it, and accepts none */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        /** Which runs are next, and what holds each back */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                };
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["HeadRun"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        /** What it did over time */
        get: {
            parameters: {
                query?: {
                    /** @description `1h`, `24h`, `7d` or `30d` */
                    range?: components["parameters"]["range"];
                };
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["History"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts nothing of it, and accepts runs */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/purge": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops what waits in it */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a pause or a drain */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/statuses": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** Whether it is there: created, running or unknown */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/{verb}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                verb: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** `cordon`, `uncordon`, `drain` or `release` */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    verb: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Who changed what, when and why */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Only entries about the object with this uuid */
                    object?: components["parameters"]["object"];
                    /** @description Only what this user did */
                    actor?: components["parameters"]["actor"];
                    /** @description Only entries of this action, such as `run.stop` */
                    action?: components["parameters"]["action"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["AuditEntry"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Dead letters */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["DeadLetter"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/drop": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Drops those that the body's `query` names */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/reasons": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** How many of each reason */
        get: {
            parameters: {
                query?: {
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["DeadLetterGroup"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends those on their way again that the body's `query` names */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** One, with the message as it was */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        /** Drops one */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/{uuid}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends one on its way again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Changes as server-sent events, resumable by `Last-Event-ID` */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/history": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** What all queues together did over time */
        get: {
            parameters: {
                query?: {
                    /** @description `1h`, `24h`, `7d` or `30d` */
                    range?: components["parameters"]["range"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["History"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/overview": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** How it does: counts, rates, saturation, health, warnings */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Overview"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Presets */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Saves a preset */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** The same as the list */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets/{preset}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                preset: string;
            };
            cookie?: never;
        };
        /** One preset, by name or uuid */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        /** Deletes a preset */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a preset; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/queues": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Queues of all agents, with their numbers */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                    /** @description `true`: adds the backlogs of the last hour, one a minute */
                    series?: components["parameters"]["series"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Queue"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/queues/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** The same */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                    /** @description `true`: adds the backlogs of the last hour, one a minute */
                    series?: components["parameters"]["series"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Runs of all projects, the newest first */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes the runs that the body's `uuids` name */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/groups": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Runs of all projects, counted */
        get: {
            parameters: {
                query?: {
                    /** @description What runs are counted by: queue, agent, project, status, user, kind or reason */
                    by?: components["parameters"]["by"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** One run of any project */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** As for a project, with runs of all projects */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Limits, and where runs go that name no queue */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes settings; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/warnings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** What is wrong, the worst first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Warning"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whoever asks */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Access tokens that hold, without their keys */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Token"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a token; its key is told this once */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/tokens/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: string;
            };
            cookie?: never;
        };
        /** One token, without its key */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        /** Revokes a token, at once */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/create": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a project */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/list": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** Projects */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        /** The same */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        /** One project */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        /** Deletes a project, if all of its runs have ended */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a project; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: accepted, changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/bookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: accepted, changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: accepted, changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        /** Runs of a project, the newest first */
        get: {
            parameters: {
                query?: {
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                    /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
                    offset?: components["parameters"]["offset"];
                    /** @description By which field, `-` before it for descending */
                    sort?: components["parameters"]["sort"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description Where to go on, as `next` of the answer before has it */
                    cursor?: components["parameters"]["cursor"];
                    /** @description `true`: doesn't count */
                    no_page?: components["parameters"]["no_page"];
                    /** @description Of stock clients; changes nothing */
                    bookmarks?: components["parameters"]["bookmarks"];
                    /** @description Of stock clients; changes nothing */
                    mode?: components["parameters"]["mode"];
                };
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Submits a run; 201 means committed. `Idempotency-Key` is kept */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Submits up to 1,000 runs, each with a result of its own */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes the runs that the body's `uuids` name */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/groups": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        /** Runs of a project, counted */
        get: {
            parameters: {
                query?: {
                    /** @description What runs are counted by: queue, agent, project, status, user, kind or reason */
                    by?: components["parameters"]["by"];
                    /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
                    query?: components["parameters"]["query"];
                    /** @description How many, 1 to 1,000 */
                    limit?: components["parameters"]["limit"];
                };
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** One run */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** Does what stands in the place of the uuid to those that the body's `uuids` or `query` name: `stop`, `skip`, `move`, `reprioritize`, `resume`, `restart`; by `uuids`: `approve`, `archive`, `restore`, `tag` */
        post: {
            parameters: {
                query?: {
                    /** @description `true`: says what would be done, and changes nothing */
                    dry_run?: components["parameters"]["dry_run"];
                };
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** Deletes a run; one that has not ended is stopped */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes what it says of itself: name, description, tags, inputs, outputs, ... */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What it waited for is there */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes it out of lists */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/bookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: accepted, changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/copy": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The same, as a copy */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Its changes as server-sent events, beginning with the run as it is */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Why it waits, when it may start, and what it has waited for */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/invalidate": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: accepted, changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        /** Of stock clients: none is kept */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Of stock clients: accepted, not kept */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        /** Of stock clients: none is kept */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/namespace": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** The namespace that it is in */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/origins": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Where each field of its operation comes from */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Submits its operation again, as a new run */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts it back into lists */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has one that ended go on, as a new attempt */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** The same */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/skip": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has it never start; before it was admitted */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/statuses": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Its statuses, with their conditions */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** A status of a run that a client executes itself */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of stock clients: only to the project where it is */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/unbookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Of stock clients: accepted, changes nothing */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        /** Limits, and where its runs may go */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** The same */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes settings; what is not given stays */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        /** Of stock clients: none are kept */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/unbookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Of stock clients: accepted, changes nothing */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifact": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** A file that it left */
        get: {
            parameters: {
                query?: {
                    /** @description The file or the folder */
                    path?: components["parameters"]["path"];
                    /** @description Of stock clients; changes nothing */
                    stream?: components["parameters"]["stream"];
                    /** @description Of stock clients; changes nothing */
                    force?: components["parameters"]["force"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                    /** @description Of stock clients; changes nothing */
                    check_path?: components["parameters"]["check_path"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Of stock clients: refused */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** Of stock clients: refused */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** A folder that it left, as a tar archive */
        get: {
            parameters: {
                query?: {
                    /** @description The file or the folder */
                    path?: components["parameters"]["path"];
                    /** @description Of stock clients; changes nothing */
                    stream?: components["parameters"]["stream"];
                    /** @description Of stock clients; changes nothing */
                    force?: components["parameters"]["force"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                    /** @description Of stock clients; changes nothing */
                    check_path?: components["parameters"]["check_path"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Of stock clients: refused */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /** Of stock clients: refused */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts/tree": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** What is in a folder that it left */
        get: {
            parameters: {
                query?: {
                    /** @description The file or the folder */
                    path?: components["parameters"]["path"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tree"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/events/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        /** Metrics or other events that its client tracked */
        get: {
            parameters: {
                query?: {
                    /** @description Which series, by commas; all if nothing is said */
                    names?: components["parameters"]["names"];
                    /** @description How rows are answered: `csv` or `dict` */
                    orient?: components["parameters"]["orient"];
                    /** @description Of stock clients; changes nothing */
                    force?: components["parameters"]["force"];
                    /** @description At most so many rows of each, spread over all of them */
                    sample?: components["parameters"]["sample"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                    /** @description Of stock clients; changes nothing */
                    status?: components["parameters"]["status"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AllSeries"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/k8s_inspect": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Its objects, as its agent sees them */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** Its log, in parts */
        get: {
            parameters: {
                query?: {
                    /** @description Of stock clients; changes nothing */
                    kind?: components["parameters"]["kind"];
                    /** @description The time of the last line that was read */
                    last_time?: components["parameters"]["last_time"];
                    /** @description The part of the log that was read last, as the answer before names it */
                    last_file?: components["parameters"]["last_file"];
                    /** @description Of stock clients; changes nothing */
                    force?: components["parameters"]["force"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                    /** @description The container; the main one if nothing is said */
                    container?: components["parameters"]["container"];
                    /** @description The replica of a service, from 0 */
                    replica?: components["parameters"]["replica"];
                    /** @description The attempt, from 0; the last one if nothing is said */
                    attempt?: components["parameters"]["attempt"];
                    /** @description `true`: of the container's instance before */
                    previous?: components["parameters"]["previous"];
                    /** @description From when: a time, or how long ago it was, such as `10m` */
                    since?: components["parameters"]["since"];
                    /** @description So many last lines */
                    tail?: components["parameters"]["tail"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/resources": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        /** What it used of its machine, as its client tracked it */
        get: {
            parameters: {
                query?: {
                    /** @description Which series, by commas; all if nothing is said */
                    names?: components["parameters"]["names"];
                    /** @description How rows are answered: `csv` or `dict` */
                    orient?: components["parameters"]["orient"];
                    /** @description Of stock clients; changes nothing */
                    force?: components["parameters"]["force"];
                    /** @description At most so many rows of each, spread over all of them */
                    sample?: components["parameters"]["sample"];
                    /** @description Of stock clients; changes nothing */
                    connection?: components["parameters"]["connection"];
                    /** @description Of stock clients; changes nothing */
                    status?: components["parameters"]["status"];
                    /** @description Of stock clients; changes nothing */
                    kind?: components["parameters"]["kind"];
                    /** @description So many last lines */
                    tail?: components["parameters"]["tail"];
                };
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AllSeries"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AboutWhat: {
            agent: string | null;
            kind: string;
            queue: string | null;
            uuid?: string | null;
        };
        AgentCounts: {
            cordoned: number;
            count: number;
            live: number;
            lost: number;
        };
        AllSeries: {
            data: components["schemas"]["Series"][];
        };
        AuditEntry: {
            action: string;
            actor: string;
            /** Format: date-time */
            at: string;
            details: unknown;
            id: number;
            object: components["schemas"]["AuditObject"];
            reason: string | null;
            request_id: string | null;
        };
        AuditObject: {
            kind: string;
            name: string | null;
            uuid: string | null;
        };
        Block: {
            holders: string[];
            level: string;
            limit: unknown;
            message: string;
            name: string | null;
            rule: string;
            used: unknown;
        };
        Credentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description The user on the broker */
            user: string;
        };
        CredentialsList: {
            count: number;
            /** @description Whether agents of this broker need any */
            needed: boolean;
            next: null;
            previous: null;
            results: components["schemas"]["Credentials"][];
        };
        DeadLetter: {
            agent: string | null;
            attempt: number | null;
            /** Format: date-time */
            first_at: string;
            is_cut: boolean;
            /** Format: date-time */
            last_at: string;
            message: string | null;
            queue: string | null;
            reason: string;
            run: string | null;
            times: number;
            uuid: string;
        };
        DeadLetterGroup: {
            /** Format: date-time */
            first_at: string;
            /** Format: date-time */
            last_at: string;
            letters: number;
            reason: string;
            times: number;
        };
        HeadRun: {
            blocked_by: components["schemas"]["Block"][];
            name: string | null;
            position: number;
            priority: number;
            project: string;
            /** Format: date-time */
            queued_at: string;
            user: string | null;
            uuid: string;
        };
        Health: {
            message: string | null;
            name: string;
            ok: boolean;
        };
        History: {
            points: components["schemas"]["Point"][];
            /** @enum {string} */
            range: "1h" | "24h" | "7d" | "30d";
            step_seconds: number;
        };
        Hold: {
            by: string;
            drain: boolean;
            reason: string;
            /** Format: date-time */
            until: string | null;
        };
        Installation: {
            berth: string;
            /** @enum {string} */
            dist: "ce" | "ee";
            key: string;
            mode: string;
            version: string;
        };
        NewCredentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description YAML to install the agent with */
            helm_values: string;
            /** @description What is left to do, if it does not */
            note: string | null;
            /** @description Whether the broker knows of it */
            on_broker: boolean;
            /** @description Told this once; kept are hashes */
            password: string;
            /** @description The broker for that user; replace the host where agents reach it by another */
            url: string;
            /** @description The user on the broker */
            user: string;
            /** @description The generations that come in from now on */
            valid: number[];
        };
        Overview: {
            agents: components["schemas"]["AgentCounts"];
            /** Format: date-time */
            at: string;
            dead_letters: number;
            failed_per_second: number;
            finished_per_second: number;
            health: components["schemas"]["Health"][];
            live: number;
            oldest_seconds: number | null;
            queues: number;
            saturation: components["schemas"]["Saturation"][];
            started_per_second: number;
            statuses: {
                [key: string]: number;
            };
            submitted_per_second: number;
            waiting: number;
            warnings: components["schemas"]["Warning"][];
        };
        Point: {
            admissible: number;
            /** Format: date-time */
            at: string;
            backlog: number;
            dead_letters: number;
            failed: number;
            finished: number;
            in_flight: number;
            oldest_seconds: number;
            started: number;
            submitted: number;
            wait_p50_seconds: number | null;
            wait_p95_seconds: number | null;
        };
        /** @description RFC 9457, and `detail` as the stock client prints it */
        Problem: {
            detail?: string;
            status?: number;
            title?: string;
        };
        Queue: {
            agent: string;
            answer_within_seconds: number;
            concurrency: number;
            /** Format: date-time */
            created_at: string;
            defaults: unknown;
            description: string | null;
            fairness: string;
            max_backlog: number | null;
            name: string;
            /** @enum {string} */
            on_agent_loss: "wait" | "replace";
            overflow_after_seconds: number;
            paused: components["schemas"]["Hold"] | null;
            /** @enum {string} */
            preemption: "never" | "lower_priority";
            priority: number;
            /** @enum {string} */
            protocol: "berth" | "celery";
            quota: string | null;
            quotas: {
                [key: string]: string;
            };
            rate: string | null;
            reserve_after_seconds: number;
            resource: string | null;
            stats: components["schemas"]["QueueStats"];
            tags: string[];
            /** Format: date-time */
            updated_at: string;
            user: string | null;
            uuid: string;
            weights: {
                [key: string]: number;
            };
        };
        QueueStats: {
            admissible: number;
            backlog: number;
            consumers: number;
            dead_letters: number;
            failed_per_second: number;
            finished_per_second: number;
            in_flight: number;
            offered: number;
            oldest_seconds: number | null;
            priorities: {
                [key: string]: number;
            };
            series?: number[];
            started_per_second: number;
            submitted_per_second: number;
            wait_p50_seconds: number | null;
            wait_p95_seconds: number | null;
        };
        RetiredCredentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description What is left to do, if it does not */
            note: string | null;
            /** @description Whether the broker knows of it */
            on_broker: boolean;
            /** @description The user on the broker */
            user: string;
        };
        Saturation: {
            agent: string;
            in_flight: number;
            limit: number | null;
        };
        Series: {
            data: unknown;
            kind: string;
            name: string;
        };
        Token: {
            /** Format: date-time */
            created_at: string;
            expiration: number | null;
            /** Format: date-time */
            expires_at: string | null;
            key: string | null;
            name: string;
            scopes: string[];
            services: string[];
            /** Format: date-time */
            started_at: string | null;
            /** Format: date-time */
            updated_at: string;
            uuid: string;
        };
        Tree: {
            dirs: string[];
            files: {
                [key: string]: number;
            };
            is_cut?: boolean;
            is_done: boolean;
        };
        User: {
            email: string;
            kind: string;
            name: string;
            organization: string;
            theme: number;
            username: string;
        };
        Warning: {
            alert: string;
            message: string;
            name: string;
            object: components["schemas"]["AboutWhat"];
            runbook: string;
            /** @enum {string} */
            severity: "critical" | "warning";
            /** Format: date-time */
            since: string | null;
            threshold: number;
            value: number;
        };
    };
    responses: never;
    parameters: {
        /** @description Only entries of this action, such as `run.stop` */
        action: string;
        /** @description Only what this user did */
        actor: string;
        /** @description The attempt, from 0; the last one if nothing is said */
        attempt: string;
        /** @description Of stock clients; changes nothing */
        bookmarks: string;
        /** @description What runs are counted by: queue, agent, project, status, user, kind or reason */
        by: string;
        /** @description Of stock clients; changes nothing */
        check_path: string;
        /** @description Of stock clients; changes nothing */
        connection: string;
        /** @description The container; the main one if nothing is said */
        container: string;
        /** @description Where to go on, as `next` of the answer before has it */
        cursor: string;
        /** @description `true`: says what would be done, and changes nothing */
        dry_run: string;
        /** @description Of stock clients; changes nothing */
        force: string;
        /** @description Of stock clients; changes nothing */
        kind: string;
        /** @description The part of the log that was read last, as the answer before names it */
        last_file: string;
        /** @description The time of the last line that was read */
        last_time: string;
        /** @description How many, 1 to 1,000 */
        limit: string;
        /** @description Of stock clients; changes nothing */
        mode: string;
        /** @description Which series, by commas; all if nothing is said */
        names: string;
        /** @description `true`: doesn't count */
        no_page: string;
        /** @description Only entries about the object with this uuid */
        object: string;
        /** @description How many to pass over, up to 1,000,000; go by `cursor` beyond */
        offset: string;
        /** @description How rows are answered: `csv` or `dict` */
        orient: string;
        /** @description The file or the folder */
        path: string;
        /** @description `true`: of the container's instance before */
        previous: string;
        /** @description Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT` */
        query: string;
        /** @description `1h`, `24h`, `7d` or `30d` */
        range: string;
        /** @description The replica of a service, from 0 */
        replica: string;
        /** @description At most so many rows of each, spread over all of them */
        sample: string;
        /** @description `true`: adds the backlogs of the last hour, one a minute */
        series: string;
        /** @description From when: a time, or how long ago it was, such as `10m` */
        since: string;
        /** @description By which field, `-` before it for descending */
        sort: string;
        /** @description Of stock clients; changes nothing */
        status: string;
        /** @description Of stock clients; changes nothing */
        stream: string;
        /** @description So many last lines */
        tail: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
