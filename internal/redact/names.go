// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// This file is data: names of credentials and of what is not one. V stands for the vendor's API pages as
// mirrored in riba2534/feishu-open-docs, SDK for the JSON names in the models of larksuite/oapi-sdk-go v3.5.3.

// kind is what a key shows about its value.
type kind uint8

const (
	plain  kind = iota
	weak        // a credential if the value looks like one, or is a URL's parameter
	secret      // a credential
	plural      // several credentials, or, as a number, how many
	header      // a credential that takes the rest of its line
)

// credential is a built-in credential key, normalised: a key that ends in suffix is of that kind. If whole is
// set, suffix has to be a separate word. If solid is set, or suffix has spaces, separators are accepted only at
// its spaces: otherwise a suffix of letters that are common in such texts would match everywhere.
type credential struct {
	suffix string
	kind   kind
	whole  bool
	solid  bool
	gaps   uint32 // a bit for each letter that separators may stand before
}

var credentials = withGaps([]credential{
	// Tokens of every kind that is not in the keep list below, Feishu's app_ticket
	// and jsapi_ticket. There is no plural of ticket: tickets is the help desk's list.
	{suffix: "token", kind: secret},
	{suffix: "tokens", kind: plural},
	{suffix: "tokenvalue", kind: secret},
	{suffix: "tokenstr", kind: secret},
	{suffix: "tokenencrypted", kind: secret},
	{suffix: "tokenv", kind: secret}, // token_v2
	{suffix: "ticket", kind: secret},
	{suffix: "secret", kind: secret},
	{suffix: "secrets", kind: plural},
	{suffix: "secretvalue", kind: secret},
	// Passwords, and values with the same purpose.
	{suffix: "password", kind: secret},
	{suffix: "passwords", kind: plural},
	{suffix: "passwordconfirm", kind: secret},
	{suffix: "passwordconfirmation", kind: secret},
	{suffix: "passwordhash", kind: secret},
	{suffix: "passwordvalue", kind: secret},
	{suffix: "passwordinput", kind: secret}, // of a card's form
	{suffix: "passwd", kind: secret},
	{suffix: "pwd", kind: secret},
	{suffix: "pwdmd", kind: secret}, // pwd_md5
	{suffix: "passphrase", kind: secret},
	{suffix: "passwort", kind: secret}, // German
	{suffix: "kennwort", kind: secret, solid: true},
	{suffix: "mot de passe", kind: secret}, // French
	{suffix: "contraseña", kind: secret},   // Spanish
	{suffix: "contrasena", kind: secret, solid: true},
	{suffix: "senha", kind: secret, solid: true},       // Portuguese
	{suffix: "kata sandi", kind: secret},               // Indonesian
	{suffix: "kata laluan", kind: secret},              // Malay
	{suffix: "mậtkhẩu", kind: secret},                  // Vietnamese
	{suffix: "пароль", kind: secret},                   // Russian
	{suffix: "requirepass", kind: secret, solid: true}, // redis.conf
	{suffix: "masterauth", kind: secret, solid: true},  // the same
	{suffix: "sshpass", kind: secret, solid: true},     // the variable that sshpass(1) reads
	{suffix: "pass code", kind: secret},
	{suffix: "keypass", kind: secret, solid: true},   // keytool(1)
	{suffix: "storepass", kind: secret, solid: true}, // the same
	{suffix: "psk", kind: secret, whole: true, solid: true},
	{suffix: "seedphrase", kind: secret},
	{suffix: "access code", kind: secret}, // a meeting room's: V historic-version/meeting_room-v1/room_config/set_checkboard_access_code.md
	{suffix: "extractkey", kind: secret},  // the password of an archive: SDK
	// One-time codes. code itself is one in few calls, see byAPI.
	{suffix: "auth code", kind: secret},
	{suffix: "authorizationcode", kind: secret},
	{suffix: "device code", kind: secret},
	{suffix: "verify code", kind: secret},
	{suffix: "verification code", kind: secret},
	{suffix: "sms code", kind: secret},
	{suffix: "recovery code", kind: secret},
	{suffix: "recovery codes", kind: plural},
	{suffix: "backup code", kind: weak}, // code is also what programs are written in
	{suffix: "captcha", kind: secret, solid: true},
	{suffix: "otp", kind: secret, whole: true, solid: true},
	{suffix: "totp", kind: secret, whole: true, solid: true},
	// HTTP and OAuth 2.0.
	{suffix: "authorization", kind: header},
	{suffix: "bearer", kind: secret},
	{suffix: "cookie", kind: header},
	{suffix: "cookies", kind: plural},
	{suffix: "assertion", kind: secret, solid: true},
	{suffix: "samlresponse", kind: secret, solid: true}, // of an identity provider
	{suffix: "codeverifier", kind: secret},
	{suffix: "jwt", kind: secret},
	{suffix: "session id", kind: secret},
	{suffix: "sess id", kind: secret},
	// Keys that open or sign something. Not api_keys: that is a filter of list_data.
	{suffix: "apikey", kind: secret},
	{suffix: "accesskey", kind: secret},
	{suffix: "accountkey", kind: secret},        // of Azure's connection strings
	{suffix: "actioncallbackkey", kind: secret}, // V approval-v4/external_approval/create.md
	{suffix: "aeskey", kind: secret},
	{suffix: "authkey", kind: secret},       // of an external data source: SDK
	{suffix: "clientkeydata", kind: secret}, // of a kubeconfig
	{suffix: "encryptkey", kind: secret},
	{suffix: "encryptionkey", kind: secret},
	{suffix: "privatekey", kind: secret},
	{suffix: "privatekeypem", kind: secret},
	{suffix: "secretkey", kind: secret},
	{suffix: "secretkeybase", kind: secret}, // of Rails
	{suffix: "gpgkey", kind: secret},
	{suffix: "hmackey", kind: secret},
	{suffix: "masterkey", kind: secret},
	{suffix: "sshkey", kind: secret},
	{suffix: "sessionkey", kind: secret},
	{suffix: "signkey", kind: secret},
	{suffix: "signaturekey", kind: secret},
	{suffix: "signingkey", kind: secret},
	{suffix: "verificationkey", kind: secret},
	{suffix: "verifykey", kind: secret},
	// Names of credentials and of many other things.
	{suffix: "auth", kind: weak, whole: true, solid: true},
	{suffix: "credential", kind: weak, solid: true},
	{suffix: "credentials", kind: weak, solid: true},
	{suffix: "authentication", kind: weak, solid: true},
	{suffix: "certkey", kind: weak},
	{suffix: "datakey", kind: weak},
	{suffix: "hook", kind: weak, solid: true},
	{suffix: "kmskey", kind: weak},
	{suffix: "licensekey", kind: weak},
	{suffix: "pass", kind: weak, whole: true, solid: true},
	{suffix: "session", kind: weak, whole: true, solid: true},
	{suffix: "sig", kind: weak, whole: true, solid: true},
	{suffix: "sign", kind: weak, whole: true, solid: true},
	{suffix: "signature", kind: weak, solid: true},
	{suffix: "sk", kind: weak, whole: true, solid: true}, // ak and sk, as clouds in China call them
	{suffix: "pw", kind: weak, whole: true, solid: true}, // in chats
	// Chinese names, in chats and as columns of tables, simplified and traditional.
	{suffix: "密码", kind: secret},
	{suffix: "密碼", kind: secret},
	{suffix: "口令", kind: secret},
	{suffix: "密钥", kind: secret},
	{suffix: "密鑰", kind: secret},
	{suffix: "金鑰", kind: secret},
	{suffix: "秘钥", kind: secret}, // a common misspelling of 密钥
	{suffix: "私钥", kind: secret},
	{suffix: "私鑰", kind: secret},
	{suffix: "令牌", kind: secret},
	{suffix: "權杖", kind: secret},
	{suffix: "验证码", kind: secret},
	{suffix: "驗證碼", kind: secret},
	{suffix: "提取码", kind: secret}, // of a shared link
	{suffix: "授权码", kind: secret},
	{suffix: "授權碼", kind: secret},
	{suffix: "访问码", kind: secret},
	{suffix: "恢复码", kind: secret},
	{suffix: "密匙", kind: secret}, // another misspelling of 密钥
	{suffix: "账密", kind: secret}, // an account and its password
	{suffix: "帐密", kind: secret},
	{suffix: "帳密", kind: secret},
	{suffix: "助记词", kind: weak}, // of a wallet, BIP-39
	{suffix: "助記詞", kind: weak},
	// Japanese ones.
	{suffix: "パスワード", kind: secret},
	{suffix: "トークン", kind: secret},
	{suffix: "秘密鍵", kind: secret},
	{suffix: "暗証番号", kind: secret},
	{suffix: "認証コード", kind: secret},
	// Korean, Thai and Hindi ones.
	{suffix: "비밀번호", kind: secret},
	{suffix: "인증번호", kind: secret},
	{suffix: "รหัสผ่าน", kind: secret},
	{suffix: "पासवर्ड", kind: secret},
})

// wideKeys are the built-in keys beyond ASCII, by the last byte of their first character.
var wideKeys = func() (keys [256][]string) {
	for _, c := range credentials {
		if c.suffix[0] >= 0xe0 {
			last := c.suffix[2]
			keys[last] = append(keys[last], c.suffix)
		}
	}
	return keys
}()

// alphabetKeys are the built-in keys of other alphabets, or their ends from the first such letter on, in their cases.
var alphabetKeys = []string{
	"пароль", "Пароль", "ПАРОЛЬ",
	"ật khẩu", "ậtkhẩu", "ật_khẩu", "ật Khẩu", "ậtKhẩu", "ẬT KHẨU", "ẬT_KHẨU", // mật khẩu
}

// leadingNames are the passwords of languages in which what a password is for follows its name: пароль от почты.
// foreignNames are all those that sentences are read for by the same rule.
var (
	leadingNames = []string{"motdepasse", "contraseña", "contrasena", "senha", "katasandi", "katalaluan", "mậtkhẩu", "пароль", "รหัสผ่าน"}
	foreignNames = append([]string{"passwort", "kennwort", "पासवर्ड"}, leadingNames...)
)

// seedNames are the ends of keys whose value is the words of a wallet.
var seedNames = []string{"seedphrase", "助记词", "助記詞"}

// passwordNames are the ends of keys whose value may be several words, or digits only; codeNames of those whose
// value is usually digits.
var (
	passwordNames = []string{"pwd", "pw", "kennwort", "contraseña", "contrasena", "senha", "katasandi", "katalaluan", "mậtkhẩu", "पासवर्ड", "пароль", "密码", "密碼", "口令", "授权码", "授權碼", "账密", "帐密", "帳密", "パスワード", "비밀번호", "รหัสผ่าน"}
	codeNames     = []string{
		"code", "captcha", "otp", "验证码", "驗證碼", "提取码", "授权码", "授權碼", "访问码", "恢复码",
		"暗証番号", "認証コード", "인증번호",
	}
)

// withGaps sets the gaps of credentials and drops the spaces of their suffixes.
func withGaps(list []credential) []credential {
	for i := range list {
		c := &list[i]
		c.suffix, c.gaps = gapsOf(c.suffix, c.solid)
	}
	return list
}

// gapsOf returns a text without its spaces, and its gaps.
func gapsOf(text string, solid bool) (_ string, gaps uint32) {
	words := strings.Split(text, " ")
	if len(words) == 1 && !solid {
		return text, 1<<32 - 1
	}
	n := 0
	for _, word := range words {
		gaps |= 1 << n
		n += len(word)
	}
	return strings.Join(words, ""), gaps &^ 1
}

// The keep list. A token whose name consists of resourceNouns, with or without qualifiers before them
// (file_token, dst_folder_token, parentNodeToken), is the id of a resource: V
// uUDN04SN0QjL1QDN/uczNzUjL3czM14yN3MTN.md:84-112 lists these tokens as resource identifiers, to be copied from
// the browser's address bar. They give no access without a credential, and they show what was read.
var resourceNouns = []string{
	// V uczNzUjL3czM14yN3MTN.md: root, folder, file, doc, spreadsheet, app (a base), node, obj.
	"root", "folder", "file", "doc", "spreadsheet", "app", "node", "obj", "object",
	// SDK drive, docx, sheets, bitable, board, wiki, minutes, search, moments.
	"docs", "docx", "document", "sheet", "sheets", "bitable", "base", "block", "board", "whiteboard", "wiki", "space",
	"minute", "minutes", "image", "media", "attachment", "shortcut", "preview",
	"driveroute", // V drive-v1/media/introduction.md: the document that a medium belongs to
	// V drive-v1/file/copy.md, file/create_shortcut.md, wiki-v2/space-node/copy.md, wiki-v2/task/get.md.
	"parent", "target", "refer", "origin",
	// The products' names in addresses: /mindnotes/, /slides/.
	"mindnote", "mindnotes", "slide", "slides", "presentation", "diagram",
}

var resourceQualifiers = []string{
	"src", "source", "dst", "dest", "destination", "from", "to", "old", "new", "original", "current", "sub", "child",
	"excluded",         // SDK search
	"float",            // V sheets-v3/spreadsheet-sheet-float_image/get.md
	"note", "verbatim", // V vc-v1/meeting/get.md
}

// cursors are the names, before token, of a place in a list (V 668 pages), and, for client, of a caller's own id
// against repeating an action (V 86 pages, for example corehr-v1/probation/withdraw.md).
var cursors = []string{
	"page", "nextpage", "prevpage", "previouspage", "userpage", "pagination", "sync", "nextsync", "syncpage", "client",
}

// logins are the words before pass that make it a password.
var logins = []string{
	"db", "database", "user", "root", "admin", "smtp", "mail", "email", "ftp", "ldap", "bind", "redis", "mysql", "postgres", "pg", "mongo", "rabbitmq", "mq",
	"http", "auth", "login", "become", "sudo", "ssh", "wifi", "vpn",
}

// sessions are ids of conversations with an assistant, which give no access (SDK aily, spark): variables of
// paths, and fields of their answers.
var sessions = []string{"ailysessionid", "agentchatsessionid"}

// signers name the id of the key that a link is signed with, which is not a credential: X-...-Credential of the
// AWS, Google, Alibaba, Volcano and Huawei clouds.
var signers = []string{"amzcredential", "googcredential", "osscredential", "toscredential", "obscredential"}

// objects are the ends of keys whose value is the name of a Kubernetes object.
var objects = []string{"existingsecret", "pullsecret", "pullsecrets"}

// counts are the words before token or tokens that make it a number of tokens.
var counts = []string{
	"max", "min", "num", "total", "prompt", "completion", "input", "output", "used", "cached", "reasoning", "remaining",
}

// byAPI is the kind of token, ticket and code below a kind of path. A name that is not listed has its usual
// kind.
var byAPI = map[string]map[string]kind{
	// V drive-v1/file/export_task/create.md: token is the document's, ticket the task's id.
	"drive": {"token": plain, "tokens": plain, "ticket": plain},
	// V wiki-v2/space/get_node.md, docs-v1/get.md, SDK docx, sheets, bitable, base, board, minutes.
	"wiki": {"token": plain, "tokens": plain}, "docs": {"token": plain, "tokens": plain}, "doc": {"token": plain, "tokens": plain},
	"docx": {"token": plain, "tokens": plain}, "sheets": {"token": plain, "tokens": plain}, "bitable": {"token": plain, "tokens": plain},
	"base": {"token": plain, "tokens": plain}, "board": {"token": plain, "tokens": plain}, "minutes": {"token": plain, "tokens": plain},
	"suite": {"token": plain, "tokens": plain},
	// V ehr-v1/attachment/get.md, SDK corehr, lingo and baike: the token of a file.
	"ehr": {"token": plain}, "corehr": {"token": plain}, "lingo": {"token": plain}, "baike": {"token": plain},
	// V helpdesk-v1/ticket-management: ticket is an object.
	"helpdesk": {"ticket": plain},
	// V authen-v1/access_token/create.md: code is an authorization code, for five minutes.
	"authen": {"code": plural}, // a number is the result code of its response
}
