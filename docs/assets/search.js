// The theme's search, mended in two places.
(() => {
  // The index knows single Chinese characters. Of a Chinese word every character is asked for, not any of them.
  const asked = message => {
    if (!message || message.type !== 2 || typeof message.data !== "string") return message
    const data = message.data.replace(/[+"]*[\u4e00-\u9fff]+["*]*/g, word => {
      return " " + word.replace(/[+"*]/g, "").split("").map(sign => "+" + sign).join(" ") + " "
    })
    return { ...message, data: data.trim() }
  }

  // Browsers start no worker from a folder (file:). There the search runs in a hidden frame of the same page.
  class InFrame extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.appendChild(this.frame)
      const inside = this.frame.contentWindow
      inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      const script = inside.document.createElement("script")
      script.onload = () => {
        const told = this.waiting
        this.waiting = null
        told.forEach(message => this.pass(message))
      }
      script.src = url
      inside.document.body.appendChild(script)
    }
    pass(data) {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }))
    }
    postMessage(message) {
      if (this.waiting) this.waiting.push(asked(message))
      else this.pass(asked(message))
    }
    terminate() {
      this.frame.remove()
    }
  }

  class Asking extends Worker {
    postMessage(message, ...rest) {
      super.postMessage(asked(message), ...rest)
    }
  }

  const folder = location.protocol === "file:"
  if (folder) window.IFrameWorker = InFrame // by this name the theme's script knows that it runs in a frame
  window.Worker = folder ? InFrame : Asking
})()
