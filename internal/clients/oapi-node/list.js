// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Reads the log of a time with the official Node SDK, as the page of list_data shows it, and
// prints an entry a line.
const lark = require('@larksuiteoapi/node-sdk');

const env = process.env;
const client = new lark.Client({
    appId: env.APP_ID,
    appSecret: env.APP_SECRET,
    domain: env.BASE_URL,
    loggerLevel: lark.LoggerLevel.error,
});

async function main() {
    let pageToken;
    for (;;) {
        const res = await client.security_and_compliance.v1.openapiLog.listData({
            data: {
                start_time: Number(env.START_TIME),
                end_time: Number(env.END_TIME),
                page_size: 100,
                page_token: pageToken,
            },
        });
        if (res.code !== 0) {
            throw new Error(`code ${res.code}: ${res.msg}`);
        }
        for (const item of res.data.items ?? []) {
            console.log(JSON.stringify(item));
        }
        if (!res.data.has_more) {
            return;
        }
        pageToken = res.data.page_token;
    }
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});
